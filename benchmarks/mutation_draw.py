"""What may be changed in the code of the market, the evaluation and the gates, and a draw of it at a seed.

Every place where cosmic-ray, or one of the two operators below, finds something to change is as likely as any
other, and so is each change there. Arithmetic becomes other arithmetic, a comparison another comparison: what
no number survives says nothing about tests. Not drawn either: what leaves the byte code as it is, and what
touches type annotations, docstrings, the texts of errors or the decorators of the compiler alone.
"""

import ast
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Any

import parso
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Example, Operator
from cosmic_ray.plugins import OPERATOR_PROVIDERS

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("market", "evaluation", "gates")
FAMILIES = (
    {"Add", "Sub", "Mul", "Div", "FloorDiv", "Mod", "Pow"},
    {"BitAnd", "BitOr", "BitXor"},
    {"Eq", "NotEq", "Lt", "LtE", "Gt", "GtE"},
    {"Is", "IsNot"},
)


class SwapMinimumMaximum(Operator):  # type: ignore[misc]
    """min for max, and max for min; NumPy's too."""

    other = {"min": "max", "max": "min", "minimum": "maximum", "maximum": "minimum"}  # noqa: RUF012

    def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
        if node.type == "name" and node.value in self.other:
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:  # noqa: ARG002
        node.value = self.other[node.value]
        return node

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (Example("min(a, b)", "max(a, b)"),)


class RemoveStatement(Operator):  # type: ignore[misc]
    """Drops a call whose answer nobody takes, `x += ...` and what is written into a field or an element."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
        if node.type != "simple_stmt" or parso.tree.search_ancestor(node, "funcdef") is None:
            return
        statement = node.children[0]
        if statement.type == "expr_stmt":
            target, assigned = statement.children[0], statement.children[1]
            is_loss = assigned.type == "operator" and (assigned.value != "=" or target.type == "atom_expr")
        else:
            is_loss = statement.type == "atom_expr"
        if is_loss:
            yield statement.start_pos, statement.end_pos

    def mutate(self, node: Any, index: int) -> Any:  # noqa: ARG002
        prefix = node.children[0].get_first_leaf().prefix
        node.children[0] = parso.parse(f"{prefix}pass")
        return node

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return (Example("def f(a):\n    a.b = 1", "def f(a):\n    pass"),)


def operators() -> dict[str, Operator]:
    """By name, those that leave a program which may still run."""
    found: dict[str, Operator] = {
        "SwapMinimumMaximum": SwapMinimumMaximum(),
        "RemoveStatement": RemoveStatement(),
    }
    for provider in OPERATOR_PROVIDERS.values():
        for name in provider:
            pair = re.fullmatch(r"Replace(?:Binary|Comparison|Unary)Operator_(\w+)_(\w+)", name)
            is_kin = pair and (pair[1] == "Delete" or any({pair[1], pair[2]} <= kin for kin in FAMILIES))
            if is_kin or not (pair or name.startswith("Variable") or name == "NoOp"):
                found[name] = provider[name]()
    return found


@dataclass(frozen=True)
class Mutation:
    """One change: the operator's `occurrence` in a file, counted from the top."""

    file: str
    line: int
    operator: str
    occurrence: int


@dataclass(frozen=True)
class Drawn:
    """A change with the code that it makes."""

    mutation: Mutation
    before: str
    after: str
    """The lines that change, joined."""
    source: str

    @property
    def place(self) -> str:
        return f"{self.mutation.file}:{self.mutation.line}"


def sites(file: str, chosen: dict[str, Operator]) -> dict[Any, list[Mutation]]:
    """What may be changed, by its first and last (line, column)."""
    nodes = list(ast_nodes(get_ast((ROOT / file).read_text())))
    found: dict[Any, list[Mutation]] = defaultdict(list)
    for name, operator in chosen.items():
        places = ((node, place) for node in nodes for place in operator.mutation_positions(node))
        for occurrence, (node, place) in enumerate(places):
            # The star between parameters is no product.
            if node.parent is None or node.parent.type != "parameters":
                found[place].append(Mutation(file, place[0][0], name, occurrence))
    return found


class _WithoutWords(ast.NodeTransformer):
    """Leaves of a program what it does."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        node.decorator_list = [each for each in node.decorator_list if "compiled" not in ast.unparse(each)]
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.annotation = ast.Constant(0)
        return self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        return ast.Pass() if isinstance(node.value, ast.Constant) else self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        if isinstance(node.exc, ast.Call):
            node.exc.args = [
                each for each in node.exc.args if not isinstance(each, ast.Constant | ast.JoinedStr)
            ]
        return node


def what_it_does(source: str) -> Any:
    """Byte code, constants and names, without the places of lines; None where it is no program."""

    def told(code: CodeType) -> Any:
        constants = [told(each) if isinstance(each, CodeType) else repr(each) for each in code.co_consts]
        return code.co_code, constants, code.co_names, code.co_varnames

    try:
        tree = ast.fix_missing_locations(_WithoutWords().visit(ast.parse(source)))
        return told(compile(tree, "", "exec"))
    except SyntaxError:
        return None


def draw(seed: int, count: int) -> list[Drawn]:
    """`count` changes at different places: an edit elsewhere leaves those of the other lines as they were."""
    chosen = operators()
    files = sorted(path for room in ROOMS for path in (ROOT / "huracan" / room).rglob("*.py"))
    ranked, seen = [], Counter[Any]()
    for path in files:
        file, lines = str(path.relative_to(ROOT)), path.read_text().splitlines()
        for ((line, column), end), changes in sorted(sites(file, chosen).items()):
            text = file, lines[line - 1], column, end[1]
            seen[text] += 1
            generator = random.Random(repr((seed, text, seen[text])))
            rank = generator.random()
            generator.shuffle(changes)
            ranked.append((rank, changes))
    ranked.sort(key=lambda each: each[0])
    known = sum(len(changes) for _, changes in ranked)
    print(f"{known} changes at {len(ranked)} places of {len(files)} files, seed {seed}")
    drawn: list[Drawn] = []
    for _, changes in ranked:
        source = (ROOT / changes[0].file).read_text()
        for mutation in changes:
            mutated = mutate_code(source, chosen[mutation.operator], mutation.occurrence)
            if what_it_does(mutated) not in (None, what_it_does(source)):
                drawn.append(Drawn(mutation, *_changed_lines(source, mutated), mutated))
                break
        if len(drawn) == count:
            break
    return drawn


def _changed_lines(source: str, mutated: str) -> tuple[str, str]:
    ours, theirs = source.splitlines(), mutated.splitlines()
    while ours and theirs and ours[0] == theirs[0]:
        ours, theirs = ours[1:], theirs[1:]
    while ours and theirs and ours[-1] == theirs[-1]:
        ours, theirs = ours[:-1], theirs[:-1]
    return tuple(" ".join(line.strip() for line in lines) for lines in (ours, theirs))  # type: ignore[return-value]
