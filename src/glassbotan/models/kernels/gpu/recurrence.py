"""All recurrent steps as one function with a hand-written gradient.

One function rather than one a step, because the gradients of what the steps share, the weights and
the encoded edges' term, would otherwise be added up in memory after every step.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from glassbotan.models.kernels.choice import Triton
from glassbotan.models.kernels.edge_layout import EdgeLayout
from glassbotan.models.kernels.gpu.edges import edges_backward, edges_forward
from glassbotan.models.kernels.gpu.launch import Launcher
from glassbotan.models.kernels.gpu.nodes import nodes_backward, nodes_forward
from glassbotan.models.kernels.gpu.sums import sums_at_both_ends, sums_at_receivers


class Weights(NamedTuple):
    """The layers' matrices [H, H], as PyTorch keeps them: outputs by inputs."""

    edge: Tensor
    edge_out: Tensor
    sender: Tensor
    receiver: Tensor
    node: Tensor
    received: Tensor
    node_out: Tensor


class Inputs(NamedTuple):
    """What ``recurrence`` takes: the start, and what is the same in every step.

    Attributes
    ----------
    nodes, edges
        The first states, shapes [N, H] and [E, H]; the edges' precision is the one computed in.
    edge_terms, node_terms
        Added in the first layers of edges, shape [E, H], and nodes, shape [N, H]; biases included.
    weights
        ``Weights``, stacked: shape [7, H, H].
    biases
        Of the second layers of edges and of nodes, shape [2, H].
    sender_terms, receiver_terms
        Added to what an edge gets from its two ends, shape [N, H], or None.

    """

    nodes: Tensor
    edges: Tensor
    edge_terms: Tensor
    node_terms: Tensor
    weights: Tensor
    biases: Tensor
    sender_terms: Tensor | None = None
    receiver_terms: Tensor | None = None


class _States(NamedTuple):
    """Of every step, or of the last alone; shapes [kept, N, H] and [kept, E, H]."""

    nodes: Tensor
    received: Tensor
    hidden_nodes: Tensor
    edges: Tensor
    hidden_edges: Tensor


def recurrence(
    inputs: Inputs, layout: EdgeLayout, *, steps: int, path: Triton
) -> tuple[Tensor, Tensor]:
    """Return final node states [N, H] and edge states [E, H].

    Each step computes, with W for a product with one of ``Weights``,

    hidden_ij = relu(W_sender x_i + sender_terms_i + W_receiver x_j + receiver_terms_j
    + W_edge e_ij + edge_terms_ij),
    e_ij <- relu(W_edge_out hidden_ij + biases_0),
    hidden_j = relu(W_node x_j + W_received sum_i e_ij + node_terms_j),
    x_j <- relu(W_node_out hidden_j + biases_1).

    Parameters
    ----------
    inputs
        As above.
    layout
        The graph's edges, sorted by receiver.
    steps
        How many, at least one.
    path
        How float32 is multiplied.

    """
    if torch.is_grad_enabled() and any(x is not None and x.requires_grad for x in inputs):
        nodes, edges = _Recurrence.apply(*inputs, layout, steps, path)  # type: ignore[no-untyped-call]
        return nodes, edges
    dense = _dense(inputs)
    states = _forward(dense, layout, steps, _launcher(dense, path), keep=False)
    return states.nodes[-1], states.edges[-1]


class _Recurrence(torch.autograd.Function):
    """Keeps states and hidden layers of every step: two tensors [steps, E, H]."""

    @staticmethod
    def forward(ctx: Any, *arguments: Any) -> tuple[Tensor, Tensor]:
        *inputs, layout, steps, path = arguments
        dense = _dense(Inputs(*inputs))
        ctx.launcher = _launcher(dense, path)
        states = _forward(dense, layout, steps, ctx.launcher, keep=True)
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(dense.nodes, dense.edges, dense.weights, *states)
        ctx.layout, ctx.precisions = layout, [None if x is None else x.dtype for x in inputs]
        return states.nodes[-1], states.edges[-1]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        start_nodes, start_edges, weights, *states = ctx.saved_tensors
        of_nodes, of_edges = (None if g is None else g.contiguous() for g in gradients)
        # Autocast, where the gradient is asked for within it, would round sums of weights' ones.
        with torch.autocast(start_edges.device.type, enabled=False):
            found = _Backward(
                start_nodes, start_edges, weights, _States(*states), ctx.layout, ctx.launcher
            ).run(of_nodes, of_edges)
        wanted = zip(found, ctx.precisions, strict=True)
        return (*(g.to(d) if g is not None and d else None for g, d in wanted), None, None, None)


def _dense(inputs: Inputs) -> Inputs:
    precision = inputs.edges.dtype
    dense: list[Any] = [
        None if x is None else x.detach().to(precision).contiguous() for x in inputs
    ]
    return Inputs(*dense)


def _launcher(inputs: Inputs, path: Triton) -> Launcher:
    return Launcher(path, inputs.edges, inputs.edges.shape[1])


def _forward(
    inputs: Inputs, layout: EdgeLayout, steps: int, launcher: Launcher, *, keep: bool
) -> _States:
    """Run all steps; keep the states of each, or else the last, which the next overwrites."""
    weights, (edge_bias, node_bias) = Weights(*inputs.weights), inputs.biases
    n_edges, (n_nodes, width) = layout.n_edges, inputs.nodes.shape
    kept = steps if keep else 1
    of_nodes, of_edges = (kept, n_nodes, width), (kept, n_edges, width)
    states = _States(
        nodes=launcher.empty(*of_nodes),
        received=launcher.empty(*of_nodes),
        hidden_nodes=launcher.empty(*of_nodes),
        edges=launcher.empty(*of_edges),
        hidden_edges=launcher.empty(*of_edges) if keep else launcher.empty(1, 0, width),
    )
    sent = _terms(inputs.nodes, weights.sender, inputs.sender_terms)
    own = _terms(inputs.nodes, weights.receiver, inputs.receiver_terms)
    nodes_before, edges_before = inputs.nodes, inputs.edges
    for step in range(steps):
        now = _States(*(x[step if keep else 0] for x in states))
        launcher.over_tiles(
            edges_forward,
            n_edges,
            *(sent, own, inputs.edge_terms, edges_before),
            *(weights.edge, weights.edge_out, edge_bias),
            *(layout.senders, layout.receivers, n_edges),
            *(now.hidden_edges, now.edges),
            KEEP_HIDDEN=keep,
        )
        launcher.start(sums_at_receivers, n_nodes, now.edges, layout.offsets, now.received)
        launcher.over_tiles(
            nodes_forward,
            n_nodes,
            *(nodes_before, now.received, inputs.node_terms),
            *(inputs.sender_terms, inputs.receiver_terms),
            *(weights.node, weights.received, weights.node_out, node_bias),
            *(weights.sender, weights.receiver, n_nodes),
            *(now.hidden_nodes, now.nodes, sent, own),
            KEEP_HIDDEN=keep,
            TERMS_ARE_USED=step < steps - 1,
        )
        nodes_before, edges_before = now.nodes, now.edges
    return states


def _terms(nodes: Tensor, weight: Tensor, constant: Tensor | None) -> Tensor:
    terms = nodes @ weight.T
    return terms if constant is None else terms + constant


class _Backward:
    """Gradients of all steps, from the last to the first; names are of what they belong to."""

    def __init__(
        self,
        start_nodes: Tensor,
        start_edges: Tensor,
        weights: Tensor,
        states: _States,
        layout: EdgeLayout,
        launcher: Launcher,
    ) -> None:
        self.start_nodes, self.start_edges = start_nodes, start_edges
        self.weights, self.states = Weights(*weights), states
        self.transposed = Weights(*weights.transpose(1, 2).contiguous())
        self.layout, self.launcher = layout, launcher
        self.steps, self.n_nodes, width = states.nodes.shape
        # Of every step, for their sums over steps and for the weights of nodes.
        self.edge_terms = torch.empty_like(states.edges)
        self.sender_terms, self.receiver_terms, self.hidden_nodes, self.node_out = (
            torch.empty_like(states.nodes) for _ in range(4)
        )
        # Of the step at hand.
        self.edges, self.received = (torch.empty_like(x) for x in (start_edges, start_nodes))
        # Of all steps, by program.
        programs = launcher.programs(edges_backward, layout.n_edges)
        self.edge_weights = launcher.sums(programs, 2, width, width)
        self.edge_bias = launcher.sums(programs, width)

    def run(self, of_nodes: Tensor | None, of_edges: Tensor | None) -> Inputs:
        """Return the gradients of ``Inputs`` from those of the final states."""
        of_nodes = torch.zeros_like(self.start_nodes) if of_nodes is None else of_nodes
        layout = self.layout
        for step in reversed(range(self.steps)):
            of_nodes = self._node_update(step, of_nodes)
            self._edge_update(step, of_edges)
            of_edges = self.edges
            self.launcher.start(
                sums_at_both_ends,
                self.n_nodes,
                *(self.edge_terms[step], layout.offsets, layout.by_sender, layout.sender_offsets),
                *(self.receiver_terms[step], self.sender_terms[step]),
            )
        of_nodes = torch.addmm(of_nodes, self.sender_terms[0], self.weights.sender)
        of_nodes = torch.addmm(of_nodes, self.receiver_terms[0], self.weights.receiver)
        node_bias = self.node_out.sum((0, 1), dtype=self.launcher.accumulator)
        return Inputs(
            nodes=of_nodes,
            edges=self.edges,
            edge_terms=self.edge_terms.sum(0),
            node_terms=self.hidden_nodes.sum(0),
            weights=self._of_weights(),
            biases=torch.stack([self.edge_bias.sum(0), node_bias]),
            sender_terms=self.sender_terms.sum(0),
            receiver_terms=self.receiver_terms.sum(0),
        )

    def _node_update(self, step: int, of_updated: Tensor) -> Tensor:
        last = step == self.steps - 1
        following = step if last else step + 1
        of_nodes, weights = torch.empty_like(of_updated), self.transposed
        self.launcher.over_tiles(
            nodes_backward,
            self.n_nodes,
            *(of_updated, self.sender_terms[following], self.receiver_terms[following]),
            *(self.states.hidden_nodes[step], self.states.nodes[step]),
            *(weights.node, weights.received, weights.node_out, weights.sender, weights.receiver),
            self.n_nodes,
            *(self.node_out[step], self.hidden_nodes[step], self.received, of_nodes),
            TERMS_ARE_USED=not last,
        )
        return of_nodes

    def _edge_update(self, step: int, of_updated: Tensor | None) -> None:
        states = self.states
        self.launcher.start(
            edges_backward,
            len(self.edge_bias),
            *(self.received, self.edges if of_updated is None else of_updated),
            states.edges[step - 1] if step else self.start_edges,
            *(states.hidden_edges[step], states.edges[step]),
            *(self.transposed.edge, self.transposed.edge_out),
            *(self.layout.receivers, self.layout.n_edges),
            *(self.edge_terms[step], self.edges, self.edge_weights, self.edge_bias),
            UPDATED_IS_USED=of_updated is not None,
        )

    def _of_weights(self) -> Tensor:
        before = torch.cat([self.start_nodes[None], self.states.nodes[:-1]])
        edge, edge_out = self.edge_weights.sum(0)
        return torch.stack(
            Weights(
                edge=edge,
                edge_out=edge_out,
                sender=self._summed(self.sender_terms, before),
                receiver=self._summed(self.receiver_terms, before),
                node=self._summed(self.hidden_nodes, before),
                received=self._summed(self.hidden_nodes, self.states.received),
                node_out=self._summed(self.node_out, self.states.hidden_nodes),
            )
        )

    def _summed(self, of_outputs: Tensor, inputs: Tensor) -> Tensor:
        """Return a matrix's gradient over all nodes and steps."""
        rows = (x.flatten(0, 1).to(self.launcher.accumulator) for x in (of_outputs, inputs))
        outputs, given = rows
        return outputs.T @ given
