"""What a bundled model of each architecture asks to be cited as."""

CITATIONS = {
    "botan": (
        "H. Shiba, M. Hanai, T. Suzumura, T. Shimokawabe, J. Chem. Phys. 158, 084503 (2023), "
        "doi:10.1063/5.0129791"
    ),
    "node-only": "V. Bapst et al., Nature Physics 16, 448 (2020), doi:10.1038/s41567-020-0842-8",
    "linear": (
        "E. Boattini, F. Smallenburg, L. Filion, Phys. Rev. Lett. 127, 088007 (2021), "
        "doi:10.1103/PhysRevLett.127.088007"
    ),
    "caged": (
        "R. M. Alkemade, F. Smallenburg, L. Filion, J. Chem. Phys. 158, 134512 (2023), "
        "doi:10.1063/5.0144822"
    ),
}
