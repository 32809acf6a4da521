"""How data is made: molecular dynamics of isoconfigurational ensembles."""
