# The names of the package and where they are kept: read by type checkers and by __init__.py.
from glassbotan.dynamics import IsoconfigurationalEnsemble as IsoconfigurationalEnsemble
from glassbotan.dynamics import Motion as Motion
from glassbotan.dynamics import Relaxation as Relaxation
from glassbotan.dynamics import motion_of as motion_of
from glassbotan.dynamics import relaxation_of as relaxation_of
from glassbotan.errors import GlassbotanError as GlassbotanError
from glassbotan.errors import InputError as InputError
from glassbotan.errors import RunError as RunError
from glassbotan.evaluation.comparison import Comparison as Comparison
from glassbotan.evaluation.comparison import compare as compare
from glassbotan.evaluation.protocol import evaluate as evaluate
from glassbotan.figures.bonds import bonds_figure as bonds_figure
from glassbotan.figures.curve import curve_figure as curve_figure
from glassbotan.figures.map import map_figure as map_figure
from glassbotan.figures.rearrangement import rearrangement_figure as rearrangement_figure
from glassbotan.figures.relaxation import relaxation_figure as relaxation_figure
from glassbotan.figures.viewer import view_page as view_page
from glassbotan.io import read as read
from glassbotan.io import read_ensemble as read_ensemble
from glassbotan.io import read_motion as read_motion
from glassbotan.io import write as write
from glassbotan.models.predictor import load_predictor as load_predictor
from glassbotan.models.predictor import predict as predict
from glassbotan.models.registry import load_model as load_model
from glassbotan.simulation import equilibrate as equilibrate
from glassbotan.simulation import simulate_ensemble as simulate_ensemble
from glassbotan.simulation.campaign import load_campaign as load_campaign
from glassbotan.simulation.run import run_campaign as run_campaign
from glassbotan.structure import NeighbourGraph as NeighbourGraph
from glassbotan.structure import Snapshot as Snapshot
from glassbotan.structure import neighbour_graph as neighbour_graph
from glassbotan.structure.inherent import inherent_structure as inherent_structure
from glassbotan.training import train as train

__version__: str
