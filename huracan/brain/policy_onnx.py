"""The policy as an ONNX graph: raw observations and masks in; logits, bias, probabilities and actions out.

The normaliser and the contextual bias are inside, so a consumer in any language feeds raw columns.
"""

from typing import Any

import numpy as np

from huracan.brain.policy_weights import MASKED, PolicyWeights

OPSET, IR_VERSION = 17, 8
"""Old enough for every runtime of the last years."""
OUTPUTS = ("logits", "bias", "probabilities", "actions")


def policy_to_onnx(weights: PolicyWeights) -> bytes:
    """The graph's bytes, a pure function of `weights`.

    Inputs: `observations` float32 [rows, width], NaN allowed; `masks` bool [rows, actions], true is legal.
    Outputs, float32 [rows, actions]: `logits` of the network alone, `bias` that the context adds to them, and
    `probabilities` of both together after the masks; and `actions` int64 [rows], by `market.choice`.
    """
    from onnx import TensorProto, checker, helper

    width, actions = len(weights.observation_names), len(weights.action_names)
    nodes, constants = _scaling(weights)
    last = "scaled"
    for index, (weight, bias) in enumerate(weights.policy):
        constants += [_constant(f"weight_{index}", weight), _constant(f"bias_{index}", bias)]
        is_head = index == len(weights.policy) - 1
        out = "logits" if is_head else f"linear_{index}"
        nodes.append(helper.make_node("Gemm", [last, f"weight_{index}", f"bias_{index}"], [out], transB=1))
        if not is_head:
            nodes.append(helper.make_node("Tanh", [out], [f"hidden_{index}"]))
            last = f"hidden_{index}"
    for made in (_bias(weights), _choice(weights)):
        nodes += made[0]
        constants += made[1]
    floats = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", actions]) for name in OUTPUTS[:-1]
    ]
    outputs = [*floats, helper.make_tensor_value_info(OUTPUTS[-1], TensorProto.INT64, ["rows"])]
    inputs = [
        helper.make_tensor_value_info("observations", TensorProto.FLOAT, ["rows", width]),
        helper.make_tensor_value_info("masks", TensorProto.BOOL, ["rows", actions]),
    ]
    graph = helper.make_graph(nodes, "huracan_policy", inputs, outputs, constants)
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="huracan"
    )
    checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


def _scaling(weights: PolicyWeights) -> tuple[list[Any], list[Any]]:
    from onnx import helper

    constants = [
        _constant("shift", weights.shift),
        _constant("scale", weights.scale),
        _constant("zero", np.array(0.0, dtype=np.float32)),
        _constant("lowest", np.array(-weights.clip, dtype=np.float32)),
        _constant("highest", np.array(weights.clip, dtype=np.float32)),
    ]
    nodes = [
        helper.make_node("Sub", ["observations", "shift"], ["centred"]),
        helper.make_node("Mul", ["centred", "scale"], ["unclipped"]),
        helper.make_node("IsNaN", ["unclipped"], ["unknown"]),
        helper.make_node("Where", ["unknown", "zero", "unclipped"], ["known"]),
        helper.make_node("Clip", ["known", "lowest", "highest"], ["scaled"]),
    ]
    return nodes, constants


def _bias(weights: PolicyWeights) -> tuple[list[Any], list[Any]]:
    """The ramps of `agent.policy.context_bias`, their product and what it weighs; from the raw columns."""
    from onnx import helper

    bias = weights.bias
    terms, ramps = bias.slopes.shape
    constants = [
        _constant("ramp_columns", bias.columns.reshape(-1)),
        _constant("ramp_slopes", bias.slopes.reshape(-1)),
        _constant("ramp_offsets", bias.offsets.reshape(-1)),
        # A ramp without a slope is a constant, whatever the column that stands in its place holds.
        _constant("is_ramp", bias.slopes.reshape(-1) != 0),
        _constant("one", np.array(1.0, dtype=np.float32)),
        _constant("ramp_shape", np.array([-1, terms, ramps], dtype=np.int64)),
        _constant("term_weights", bias.weights),
    ]
    nodes = [
        helper.make_node("Gather", ["observations", "ramp_columns"], ["ramp_inputs"], axis=1),
        helper.make_node("Mul", ["ramp_inputs", "ramp_slopes"], ["ramp_scaled"]),
        helper.make_node("Add", ["ramp_scaled", "ramp_offsets"], ["ramp_raw"]),
        helper.make_node("IsNaN", ["ramp_raw"], ["ramp_unknown"]),
        helper.make_node("Where", ["ramp_unknown", "zero", "ramp_raw"], ["ramp_known"]),
        helper.make_node("Clip", ["ramp_known", "zero", "one"], ["ramp_clipped"]),
        helper.make_node("Where", ["is_ramp", "ramp_clipped", "ramp_offsets"], ["ramp_flat"]),
        helper.make_node("Reshape", ["ramp_flat", "ramp_shape"], ["ramps"]),
        helper.make_node("ReduceProd", ["ramps"], ["bias_terms"], axes=[2], keepdims=0),
        helper.make_node("MatMul", ["bias_terms", "term_weights"], ["bias"]),
    ]
    return nodes, constants


def _choice(weights: PolicyWeights) -> tuple[list[Any], list[Any]]:
    """`market.choice.choose`: the kind by the log of its summed powers, then the action by its logit."""
    from onnx import helper

    kinds = list(dict.fromkeys(weights.action_kinds))
    constants = [
        _constant("masked", np.array(MASKED, dtype=np.float32)),
        _constant("is_of_kind", np.array([[own == kind for own in weights.action_kinds] for kind in kinds])),
        _constant("kind_axis", np.array([1], dtype=np.int64)),
    ]
    nodes = [
        helper.make_node("Add", ["logits", "bias"], ["biased"]),
        helper.make_node("Where", ["masks", "biased", "masked"], ["legal"]),
        helper.make_node("Softmax", ["legal"], ["probabilities"], axis=1),
        helper.make_node("Unsqueeze", ["legal", "kind_axis"], ["legal_once"]),
        helper.make_node("Where", ["is_of_kind", "legal_once", "masked"], ["legal_by_kind"]),
        helper.make_node("ReduceLogSumExp", ["legal_by_kind"], ["kind_scores"], axes=[2], keepdims=0),
        helper.make_node("ArgMax", ["kind_scores"], ["kind"], axis=1, keepdims=0),
        helper.make_node("Gather", ["is_of_kind", "kind"], ["is_of_the_kind"], axis=0),
        helper.make_node("Where", ["is_of_the_kind", "legal", "masked"], ["legal_of_the_kind"]),
        helper.make_node("ArgMax", ["legal_of_the_kind"], ["actions"], axis=1, keepdims=0),
    ]
    return nodes, constants


def _constant(name: str, value: np.ndarray[Any, Any]) -> Any:
    from onnx import numpy_helper

    return numpy_helper.from_array(np.ascontiguousarray(value), name)
