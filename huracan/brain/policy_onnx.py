"""The policy as an ONNX graph: raw observations and masks in, logits and probabilities out.

The normaliser is inside, so a consumer in any language feeds raw columns.
"""

from typing import Any

import numpy as np

from huracan.brain.policy_weights import MASKED, PolicyWeights

OPSET, IR_VERSION = 17, 8
"""Old enough for every runtime of the last years."""


def policy_to_onnx(weights: PolicyWeights) -> bytes:
    """The graph's bytes, a pure function of `weights`.

    Inputs: `observations` float32 [rows, width], NaN allowed; `masks` bool [rows, actions], true is legal.
    Outputs: `logits` before the masks and `probabilities` after them, float32 [rows, actions].
    """
    from onnx import TensorProto, checker, helper

    width, actions = len(weights.observation_names), len(weights.action_names)
    nodes, constants = _scaling(weights)
    last = "scaled"
    for place, (weight, bias) in enumerate(weights.policy):
        constants += [_constant(f"weight_{place}", weight), _constant(f"bias_{place}", bias)]
        is_head = place == len(weights.policy) - 1
        out = "logits" if is_head else f"linear_{place}"
        nodes.append(helper.make_node("Gemm", [last, f"weight_{place}", f"bias_{place}"], [out], transB=1))
        if not is_head:
            nodes.append(helper.make_node("Tanh", [out], [f"hidden_{place}"]))
            last = f"hidden_{place}"
    constants.append(_constant("masked", np.array(MASKED, dtype=np.float32)))
    nodes.append(helper.make_node("Where", ["masks", "logits", "masked"], ["legal"]))
    nodes.append(helper.make_node("Softmax", ["legal"], ["probabilities"], axis=1))
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", actions])
        for name in ("logits", "probabilities")
    ]
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


def _constant(name: str, value: np.ndarray[Any, Any]) -> Any:
    from onnx import numpy_helper

    return numpy_helper.from_array(np.ascontiguousarray(value), name)
