"""Message passing on scalars and vectors that turns with the snapshot."""

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm

QUARTER = 0.25
"""About one over the square root of the number of first neighbours: sums of messages keep the size
of one."""

SOFT = 1e-4
"""Under square roots: the norm of a vanishing vector has a gradient."""


class VectorMessages(nn.Module):
    """One step: neighbours send scalars and vectors; each particle mixes what it received.

    Equivariant by construction, as vectors are only scaled by scalars and added, and scalars see
    them through scalar products (Schuett, Unke, Gastegger, ICML 2021, eqs. 7 to 9):

    a_i = sum_j A(x_j, e_ji) + P [B(x_j, e_ji) (v_j . r_ji)]
    u_i = v_i + sum_j B(x_j, e_ji) v_j + C(x_j, e_ji) r_ji + D(x_j, e_ji) r'_ji
    x_i <- x_i + F(x_i, a_i, |U u_i|, (U u_i) . (W u_i), ...),  v_i <- u_i + G(...) W u_i

    with scalars x, vectors v, the bond's numbers e, and its direction in the cage state, r, and
    in the snapshot, r'.

    Parameters
    ----------
    width, vectors
        Channels H of scalars and V of vectors.

    """

    def __init__(self, width: int, vectors: int) -> None:
        super().__init__()
        self.parts = (width, vectors, vectors, vectors)
        self.norm = nn.LayerNorm(width)
        self.sender = nn.Linear(width, width + 3 * vectors)
        self.bond = nn.Linear(width, width + 3 * vectors)
        self.projected = nn.Linear(vectors, width, bias=False)
        self.mixed = nn.Linear(vectors, 2 * vectors, bias=False)
        self.hidden = nn.Linear(2 * width + 3 * vectors, width)
        self.out = nn.Linear(width, width + vectors)
        # Small at first: a deep sum of steps begins near the identity.
        nn.init.normal_(self.out.weight, std=0.02)
        nn.init.zeros_(self.out.bias)

    def forward(
        self, x: Tensor, v: Tensor, bonds: Tensor, ends: tuple[Tensor, Tensor], directions: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the particles' next scalars [N, H] and vectors [N, d, V].

        Parameters
        ----------
        x, v
            Scalars [N, H] and vectors [N, d, V].
        bonds
            Encoded bonds, shape [E, H].
        ends
            Senders and receivers, each of shape [E].
        directions
            Unit vectors in the cage state and in the snapshot, shape [E, 2, d].

        """
        senders, receivers = ends
        scalar, passed, cage, thermal = (
            self.sender(self.norm(x))[senders] * self.bond(bonds)
        ).split(self.parts, 1)
        sent = v[senders]
        along = torch.einsum("edv,ed->ev", sent, directions[:, 0])
        scalar = scalar + self.projected(passed * along)
        vector = (
            sent * passed[:, None]
            + directions[:, 0, :, None] * cage[:, None]
            + directions[:, 1, :, None] * thermal[:, None]
        )
        received = QUARTER * torch.zeros_like(x).index_add(0, receivers, scalar)
        pushed = QUARTER * torch.zeros_like(v).index_add(0, receivers, vector)
        u = v + pushed
        first, second = self.mixed(u).chunk(2, dim=-1)
        seen = [layer_norm(x, x.shape[1:]), received]
        seen += [_length(first), (first * second).sum(1).clamp(-20, 20), _length(pushed)]
        change, gate = self.out(torch.nn.functional.silu(self.hidden(torch.cat(seen, 1)))).split(
            self.parts[:2], 1
        )
        return x + change, u + gate[:, None] * second


def _length(vectors: Tensor) -> Tensor:
    """Return the lengths of vectors [N, d, V], shape [N, V]."""
    return (vectors.square().sum(1) + SOFT).sqrt()
