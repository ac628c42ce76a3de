"""First pass (section 2.5): teach the network the theory, hidden states included."""

from dataclasses import dataclass

import numpy as np
import torch

from ionlab.cells import Cell
from ionlab.dataset import Normaliser
from ionlab.errors import BadValue, known
from ionlab.network import N1, N2, device_of, one_thread
from ionlab.progress import Progress

V_CLAMP_mV = (-120.0, 60.0)  # range of the clamp steps


@dataclass(frozen=True)
class ClampRecipe:
    """The default: gates from exact pairs (V, h(t)) -> h(t + dt) at constant voltage.

    Such a pair is known by h_inf and tau, so the loss compares these two at every voltage. It
    sees each gate alone and all of its range, which pacing data do not.
    """

    points: int = 721  # voltages, evenly spaced over the range
    adam_steps: int = 2000  # to come near
    lbfgs_steps: int = 3000  # to be exact
    learning_rate: float = 5e-3  # peak of Adam's one-cycle schedule
    tau_weight: float = 0.01  # of the squared error of log tau beside that of h_inf
    tau_floor_ms: float = 0.02  # a faster gate is at its steady state either way


@dataclass(frozen=True)
class PaperRecipe:
    """The paper's: all sequences at one time step, steps in time order, one-step gradients."""

    epochs: int = 3
    learning_rate: float = 1e-4
    lam: float = 1e-4  # lambda of Eq. 2.5.2, times the sum over tensors of their mean square


RECIPES = {"clamp": ClampRecipe, "paper": PaperRecipe}


@dataclass(frozen=True)
class Fit:
    """A trained network and what made it.

    Attributes
    ----------
    cell : the theory that was taught.
    n1, n2 : the networks; n2 is None for the clamp recipe, which needs no learned decoder.
    normaliser : of all states, for n2; None without it.
    losses : (steps,) the training loss.
    validation : {gate: RMSE} on data that were not trained on.
    stopped : the number of steps after which the training was stopped; None if it went to its end.
    """

    cell: Cell
    n1: N1
    n2: N2 | None
    normaliser: Normaliser | None
    recipe: object
    seed: int
    losses: np.ndarray
    validation: dict
    stopped: int | None = None


def train(cell, sequences=None, recipe="clamp", seed=0, device="auto", watch=None, width=30):
    """Teach a network the gates of a cell; return a `Fit`.

    recipe : "clamp" (default, accurate as a neural ODE), "paper" (Eq. 2.5.2; needs `sequences`
        with all states), or a `ClampRecipe` or `PaperRecipe` with other settings.
    watch : called as `watch(step, steps, loss)` every 10 steps; when it returns True, or on a
        KeyboardInterrupt, the best weights so far are kept (see `ionlab.progress`).
    width : units in each layer of phi1 (and of phi2); the paper has 30.

    >>> from ionlab.cells import hodgkin_huxley1952
    >>> quick = ClampRecipe(adam_steps=20, lbfgs_steps=20)
    >>> train(hodgkin_huxley1952, recipe=quick).n1.gates
    ('m', 'h', 'n')
    """
    if isinstance(recipe, str):
        recipe = RECIPES[known("recipe", recipe, RECIPES)]()
    device = device_of(device)
    if isinstance(recipe, ClampRecipe):
        with one_thread():
            return _train_clamp(cell, recipe, seed, device, watch, width)
    if sequences is None:
        raise BadValue(
            "the paper's recipe learns from sequences of all states, got none. "
            "Try sequences=Sequences.from_traces(pace(cell, cycle_lengths_ms))."
        )
    with one_thread():
        return _train_paper(cell, sequences, recipe, seed, device, watch, width)


def clamp_targets(cell, V_mV, tau_floor_ms):
    """Return h_inf and log tau, each (P, G), of a cell's gates at voltages V (P,)."""
    gates = cell.gates(cell.at(V=V_mV)).values()
    h_inf = np.stack([k.h_inf for k in gates], -1)
    tau_ms = np.stack([k.tau_ms for k in gates], -1)
    return h_inf, np.log(np.maximum(tau_ms, tau_floor_ms))


def _train_clamp(cell, recipe, seed, device, watch, width):
    n1 = N1(cell.name, cell.gate_names, ("V",), [-100.5], [50.5], "tanh", width, seed)
    n1 = n1.double().to(device)
    grid = np.linspace(*V_CLAMP_mV, recipe.points)

    def compare(V_mV):
        """Errors of h_inf and of log tau, each (P, G), at these voltages."""
        targets = clamp_targets(cell, V_mV, recipe.tau_floor_ms)
        h_inf, log_tau = (torch.as_tensor(x, device=device) for x in targets)
        v = torch.as_tensor(V_mV, device=device).reshape(1, -1, 1)

        def errors():
            h, log_rho = (z[0] for z in n1.kinetics(v))
            return h - h_inf, -torch.log(-log_rho) - log_tau

        return errors

    errors, losses = compare(grid), []

    def loss():
        inf, tau = errors()
        total = 1e4 * ((inf**2).mean() + recipe.tau_weight * (tau**2).mean())
        losses.append(total.item())
        progress.step(losses[-1])
        return total

    def closure():
        optimizer.zero_grad()
        total = loss()
        total.backward()
        return total

    steps = recipe.adam_steps + recipe.lbfgs_steps
    with Progress(steps, f"first pass, {cell.name}", n1.parameters(), watch) as progress:
        optimizer = torch.optim.Adam(n1.parameters(), lr=recipe.learning_rate)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, recipe.learning_rate, recipe.adam_steps
        )
        for _ in range(recipe.adam_steps):
            optimizer.step(closure)
            schedule.step()
        optimizer = torch.optim.LBFGS(
            n1.parameters(),
            max_iter=recipe.lbfgs_steps,
            max_eval=2 * recipe.lbfgs_steps,
            history_size=50,
            tolerance_grad=1e-10,
            tolerance_change=1e-13,
            line_search_fn="strong_wolfe",
        )
        optimizer.step(closure)
    between = 0.5 * (grid[1:] + grid[:-1])  # validation: voltages that were not trained on
    with torch.no_grad():
        inf, _ = compare(between)()
    rmse = (inf**2).mean(0).sqrt().cpu().numpy()
    validation = dict(zip(cell.gate_names, rmse.tolist(), strict=True))
    losses, stopped = np.array(losses), progress.stopped
    return Fit(cell, n1.float(), None, None, recipe, seed, losses, validation, stopped)


def _train_paper(cell, sequences, recipe, seed, device, watch, width):
    names, normaliser = cell.observables, sequences.normaliser
    n1 = N1(
        cell.name,
        cell.gate_names,
        names,
        *normaliser.range_of(cell, names),
        "relu",
        width,
        seed,
        normaliser.range_of(cell, cell.gate_names),
    )
    generator = torch.Generator().manual_seed(seed + 1)
    sizes = len(names), len(cell.gate_names), len(cell.other_names), width
    n2 = N2(*sizes, generator=generator)
    n1, n2 = n1.to(device), n2.to(device)

    def tensors(rows):
        """Observables, gates and the rest, each time first: (T, 1, N, ...)."""
        return [
            torch.as_tensor(sequences.columns(columns)[rows], device=device)
            .transpose(0, 1)
            .unsqueeze(1)
            for columns in (names, cell.gate_names, cell.other_names)
        ]

    x, h, y = tensors(sequences.train)
    v = n1.low + x * (n1.high - n1.low)  # phi1 normalises by itself
    weights = [*n1.parameters(), *n2.parameters()]
    optimizer = torch.optim.Adam(weights, lr=recipe.learning_rate, fused=device.type == "cpu")
    losses = []
    total_steps = recipe.epochs * (len(x) - 1)
    with Progress(total_steps, "first pass, paper", weights, watch, comparable=False) as progress:
        for _ in range(recipe.epochs):
            gates, memory = h[0], None
            for t in range(len(x) - 1):
                gates = n1(v[t], gates)
                rest, memory = n2(x[t], gates, memory)
                loss = ((gates - h[t + 1]) ** 2).mean() + ((rest - y[t + 1]) ** 2).mean()
                losses.append(loss.item())
                progress.step(losses[-1])
                penalty = sum((w**2).mean() for w in weights)
                optimizer.zero_grad()
                (loss + recipe.lam * penalty).backward()
                optimizer.step()
                gates, memory = gates.detach(), tuple(m.detach() for m in memory)
    rows = sequences.validation if len(sequences.validation) else sequences.train
    x, h, _ = tensors(rows)
    v, gates, squares = n1.low + x * (n1.high - n1.low), h[0], 0.0
    with torch.no_grad():
        for t in range(len(x) - 1):
            gates = n1(v[t], gates)
            squares = squares + ((gates - h[t + 1]) ** 2).mean((0, 1))
    rmse = (squares / (len(x) - 1)).sqrt().cpu().tolist()
    validation = dict(zip(cell.gate_names, rmse, strict=True))
    losses, stopped = np.array(losses), progress.stopped
    return Fit(cell, n1, n2, normaliser, recipe, seed, losses, validation, stopped)
