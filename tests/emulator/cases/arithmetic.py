"""Elementwise operations, activations, reductions, products, normalisations."""

import math

import numpy as np
import torch
from torch.nn import functional

from tests.emulator.cases.case import Case, integers, mb, normal, positive, within

X = normal(2, 3, 4, 5)


def unary(name, expected, x=X, opset="iOS15", **attributes):
    return Case(name, (x,), lambda x: getattr(mb, name)(x=x, **attributes), expected, opset)


def binary(name, expected, x=None, y=None):
    x = X if x is None else x
    y = normal(3, 1, 5) if y is None else y
    return Case(name, (x, y), lambda x, y: getattr(mb, name)(x=x, y=y), expected)


def boolean(build):
    """As int32: Core ML has no bool outputs."""
    return lambda *inputs: mb.cast(x=build(*inputs), dtype="int32")


def comparing(name, expected):
    return Case(
        name,
        (integers(0, 4, 3, 5), integers(0, 4, 5)),
        boolean(lambda x, y: getattr(mb, name)(x=x, y=y)),
        lambda x, y: expected(x, y).int(),
    )


def logical(name, expected):
    def build(x, y):
        return getattr(mb, name)(x=mb.cast(x=x, dtype="bool"), y=mb.cast(x=y, dtype="bool"))

    return Case(
        name, (integers(0, 2, 4, 5), integers(0, 2, 5)), boolean(build), lambda x, y: expected(x, y).int()
    )


ELEMENTWISE = [
    unary("abs", torch.abs),
    unary("abs", torch.abs, integers(-5, 5, 7)),
    unary("acos", torch.acos, within(-1, 1, 9)),
    unary("asin", torch.asin, within(-1, 1, 9)),
    unary("atan", torch.atan),
    unary("atanh", torch.atanh, within(-0.9, 0.9, 9)),
    unary("ceil", torch.ceil),
    unary("clip", lambda x: x.clamp(-0.5, 0.7), alpha=np.float32(-0.5), beta=np.float32(0.7)),
    unary("cos", torch.cos),
    unary("cosh", torch.cosh),
    unary("erf", torch.special.erf),
    unary("exp", torch.exp),
    unary("exp2", lambda x: 2**x),
    unary("floor", torch.floor),
    unary("inverse", lambda x: 1 / (x + 1e-4), positive(6)),
    unary("inverse", lambda x: 1 / (x + 0.5), positive(6), epsilon=np.float32(0.5)),
    unary("log", torch.log, positive(6)),
    unary("log", lambda x: torch.log(x + 0.1), positive(6), epsilon=np.float32(0.1)),
    unary("round", torch.round, np.float32([-1.5, -0.5, 0.5, 1.5, 2.5, 0.49, -2.51])),
    unary("rsqrt", lambda x: x**-0.5, positive(6)),
    unary("rsqrt", lambda x: (x + 0.1) ** -0.5, positive(6), epsilon=np.float32(0.1)),
    unary("sign", torch.sign, np.float32([-2, 0, 3])),
    unary("sin", torch.sin),
    unary("sinh", torch.sinh),
    unary("sqrt", torch.sqrt, positive(6)),
    unary("square", lambda x: x * x),
    unary("tan", torch.tan),
    unary("tanh", torch.tanh),
    unary("threshold", lambda x: x.clamp(min=0.2), alpha=np.float32(0.2)),
    unary("identity", lambda x: x),
    unary("cast", lambda x: x.trunc().int(), 3 * X, dtype="int32"),
    unary("cast", lambda x: x.float(), integers(-9, 9, 5), dtype="fp32"),
    Case("cast", (X,), boolean(lambda x: mb.cast(x=x, dtype="bool")), lambda x: (x != 0).int()),
    Case(
        "cast",
        (within(0, 250, 9),),
        boolean(lambda x: mb.cast(x=x, dtype="uint8")),
        lambda x: x.to(torch.uint8).int(),
        "iOS17",
    ),
    *(
        Case(
            "cast",
            (x,),
            lambda x, dtype=dtype: mb.cast(x=mb.cast(x=x, dtype=dtype), dtype="int32"),
            lambda x, wanted=wanted: torch.tensor(wanted, dtype=torch.int32),
            "iOS17",
        )
        for x, dtype, wanted in (
            (np.int32([-12, 70000, 65535]), "uint16", [65524, 4464, 65535]),
            (np.float32([-12.7, 70000.9]), "uint16", [65524, 4464]),
            (np.int32([-12, 70000]), "int16", [-12, 4464]),
            (np.int32([-1, 300]), "uint8", [255, 44]),
            (np.float32([-1.5, 300.5]), "uint8", [255, 44]),
            (np.float32([-1.5, 300.5]), "int8", [-1, 44]),
            (np.float32([3e9, -np.inf, np.nan]), "int32", [2**31 - 1, -(2**31), 0]),
        )
    ),
    binary("add", lambda x, y: x + y),
    binary("add", lambda x, y: x + y, integers(-9, 9, 3, 4), integers(-9, 9, 4)),
    binary("sub", lambda x, y: x - y),
    binary("mul", lambda x, y: x * y),
    binary("real_div", lambda x, y: x / y, y=positive(3, 1, 5)),
    binary("floor_div", lambda x, y: torch.floor(x / y), 5 * X, positive(5)),
    binary("floor_div", lambda x, y: torch.floor(x / y).int(), integers(-9, 9, 8), integers(1, 4, 8)),
    binary("mod", lambda x, y: x - y * torch.floor(x / y), 5 * X, positive(5)),
    binary("pow", lambda x, y: x**y, positive(4, 5), normal(5)),
    binary("maximum", torch.maximum),
    binary("minimum", torch.minimum),
    Case(
        "select",
        (integers(0, 2, 4, 5), normal(4, 5), normal(4, 5)),
        lambda c, a, b: mb.select(cond=mb.cast(x=c, dtype="bool"), a=a, b=b),
        lambda c, a, b: torch.where(c.bool(), a, b),
    ),
    comparing("equal", torch.eq),
    comparing("not_equal", torch.ne),
    comparing("greater", torch.gt),
    comparing("greater_equal", torch.ge),
    comparing("less", torch.lt),
    comparing("less_equal", torch.le),
    logical("logical_and", torch.logical_and),
    logical("logical_or", torch.logical_or),
    logical("logical_xor", torch.logical_xor),
    Case(
        "logical_not",
        (integers(0, 2, 4),),
        boolean(lambda x: mb.logical_not(x=mb.cast(x=x, dtype="bool"))),
        lambda x: 1 - x,
    ),
]

A, B = np.float32(0.3), np.float32(0.6)
SLOPES = positive(3)
ACTIVATIONS = [
    unary("relu", functional.relu),
    unary("relu6", lambda x: x.clamp(0, 6), 6 * X),
    unary("sigmoid", lambda x: 1 / (1 + torch.exp(-x))),
    unary("silu", lambda x: x / (1 + torch.exp(-x))),
    unary("gelu", lambda x: 0.5 * x * (1 + torch.erf(x / math.sqrt(2)))),
    unary(
        "gelu",
        lambda x: 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
        mode="TANH_APPROXIMATION",
    ),
    unary("gelu", lambda x: x * torch.sigmoid(1.702 * x), mode="SIGMOID_APPROXIMATION"),
    unary("leaky_relu", lambda x: torch.where(x > 0, x, A * x), alpha=A),
    unary("elu", lambda x: torch.where(x > 0, x, A * (torch.exp(x) - 1)), alpha=A),
    unary("prelu", lambda x: torch.where(x > 0, x, torch.tensor(SLOPES)[:, None, None] * x), alpha=SLOPES),
    unary("clamped_relu", lambda x: torch.where(x > 0, x, A * x).clamp(max=B), alpha=A, beta=B),
    unary("thresholded_relu", lambda x: torch.where(x >= A, x, 0.0), alpha=A),
    unary("linear_activation", lambda x: A * x + B, alpha=A, beta=B),
    unary("sigmoid_hard", lambda x: (A * x + B).clamp(0, 1), 3 * X, alpha=A, beta=B),
    unary("scaled_tanh", lambda x: A * torch.tanh(B * x), alpha=A, beta=B),
    unary("softplus", lambda x: torch.log1p(torch.exp(x)), 4 * X),
    unary(
        "softplus_parametric",
        lambda x: (
            torch.tensor(SLOPES)[:, None, None]
            * torch.log1p(torch.exp(x * torch.tensor(SLOPES + 1)[:, None, None]))
        ),
        alpha=SLOPES,
        beta=SLOPES + 1,
    ),
    unary("softsign", lambda x: x / (1 + x.abs())),
    unary("softmax", lambda x: torch.exp(x) / torch.exp(x).sum(-1, keepdim=True)),
    unary("softmax", lambda x: torch.exp(x) / torch.exp(x).sum(1, keepdim=True), axis=1),
]


def reduction(name, expected, x=X):
    return [
        unary(name, lambda x: expected(x, (1, 3)), x, axes=[1, 3], keep_dims=False),
        unary(name, lambda x: expected(x, (2,))[:, :, None], x, axes=[-2], keep_dims=True),
        Case(
            name,
            (x,),
            lambda x: mb.expand_dims(x=getattr(mb, name)(x=x), axes=[0]),
            lambda x: expected(x, (0, 1, 2, 3))[None],
        ),
    ]


REDUCTIONS = [
    *reduction("reduce_sum", lambda x, axes: x.sum(axes)),
    unary("reduce_sum", lambda x: x.sum(1).int(), integers(-9, 9, 3, 4), axes=[1], keep_dims=False),
    *reduction("reduce_mean", lambda x, axes: x.mean(axes)),
    *reduction("reduce_max", lambda x, axes: x.amax(axes)),
    *reduction("reduce_min", lambda x, axes: x.amin(axes)),
    *reduction("reduce_prod", lambda x, axes: torch.tensor(np.prod(x.numpy(), axis=axes))),
    *reduction("reduce_l1_norm", lambda x, axes: x.abs().sum(axes)),
    *reduction("reduce_l2_norm", lambda x, axes: torch.linalg.vector_norm(x, 2, axes)),
    *reduction("reduce_log_sum", lambda x, axes: torch.log(x.sum(axes)), positive(2, 3, 4, 5)),
    *reduction("reduce_log_sum_exp", lambda x, axes: torch.log(torch.exp(x).sum(axes))),
    *reduction("reduce_sum_square", lambda x, axes: (x**2).sum(axes)),
    unary("reduce_argmax", lambda x: x.argmax(1).int(), axis=1),
    unary("reduce_argmin", lambda x: x.argmin(-1, keepdim=True).int(), keep_dims=True),
    unary("reduce_argmax", lambda x: x.argmax(2).int(), opset="iOS17", axis=2, output_dtype="int32"),
    unary("cumsum", lambda x: torch.tensor(np.cumsum(x.numpy(), 1)), axis=1),
    unary(
        "cumsum",
        lambda x: torch.tensor(np.cumsum(x.numpy()[..., ::-1], 3)[..., ::-1].copy()) - x,
        axis=3,
        reverse=True,
        exclusive=True,
    ),
]

W, BIAS = normal(6, 5), normal(6)
QUERY, KEY, VALUE = normal(2, 3, 4, 8), normal(2, 3, 6, 8), normal(2, 3, 6, 7)


def attention(q, k, v, mask=None):
    scores = torch.einsum("bhle,bhse->bhls", q, k) / math.sqrt(q.shape[-1])
    return torch.einsum("bhls,bhsv->bhlv", (scores if mask is None else scores + mask).softmax(-1), v)


def masked_attention(q, k, v, mask):
    return functional.scaled_dot_product_attention(q, k, v, mask.bool())


PRODUCTS = [
    unary("linear", lambda x: x @ torch.tensor(W).T + torch.tensor(BIAS), normal(2, 5), weight=W, bias=BIAS),
    unary("linear", lambda x: x @ torch.tensor(W).T, normal(2, 3, 5), weight=W),
    Case("matmul", (normal(2, 3, 4), normal(4, 5)), lambda x, y: mb.matmul(x=x, y=y), lambda x, y: x @ y),
    Case(
        "matmul",
        (normal(2, 4, 3), normal(2, 5, 4)),
        lambda x, y: mb.matmul(x=x, y=y, transpose_x=True, transpose_y=True),
        lambda x, y: torch.einsum("bki,bjk->bij", x, y),
    ),
    Case(
        "einsum",
        (normal(2, 3, 4, 5), normal(2, 5, 4, 6)),
        lambda x, y: mb.einsum(values=(x, y), equation="nchw,nwhr->nchr"),
        lambda x, y: (x.permute(0, 2, 1, 3) @ y.permute(0, 2, 1, 3)).permute(0, 2, 1, 3),
    ),
    Case(
        "einsum",
        (normal(3, 4, 5), normal(5, 4, 6)),
        lambda x, y: mb.einsum(values=(x, y), equation="chw,whr->chr"),
        lambda x, y: (x.permute(1, 0, 2) @ y.permute(1, 0, 2)).permute(1, 0, 2),
    ),
    Case(
        "scaled_dot_product_attention",
        (QUERY, KEY, VALUE),
        lambda q, k, v: mb.scaled_dot_product_attention(query=q, key=k, value=v),
        attention,
        "iOS18",
    ),
    Case(
        "scaled_dot_product_attention",
        (QUERY, KEY, VALUE, normal(4, 6)),
        lambda q, k, v, m: mb.scaled_dot_product_attention(query=q, key=k, value=v, attn_mask=m),
        attention,
        "iOS18",
    ),
    Case(
        "scaled_dot_product_attention",
        (QUERY, KEY, VALUE, np.tril(np.ones((4, 6), np.int32), 2)),
        lambda q, k, v, m: mb.scaled_dot_product_attention(
            query=q, key=k, value=v, attn_mask=mb.cast(x=m, dtype="bool")
        ),
        masked_attention,
        "iOS18",
    ),
]

MEAN, VARIANCE, GAMMA, BETA = normal(3), positive(3), normal(3), normal(3)
EPSILON = np.float32(1e-3)


def channels(values):
    return torch.tensor(values)[:, None, None]


def local_response(x, size, alpha, beta, k):
    return functional.local_response_norm(x, size, alpha, beta, k)


NORMS = [
    unary(
        "batch_norm",
        lambda x: (
            (x - channels(MEAN)) / (channels(VARIANCE) + EPSILON).sqrt() * channels(GAMMA) + channels(BETA)
        ),
        mean=MEAN,
        variance=VARIANCE,
        gamma=GAMMA,
        beta=BETA,
        epsilon=EPSILON,
    ),
    unary(
        "batch_norm",
        lambda x: (x - torch.tensor(MEAN)[:, None]) / (torch.tensor(VARIANCE)[:, None] + 1e-5).sqrt(),
        normal(2, 3, 7),
        mean=MEAN,
        variance=VARIANCE,
    ),
    unary(
        "instance_norm",
        lambda x: (
            (x - x.mean((2, 3), True))
            / (x.var((2, 3), correction=0, keepdim=True) + EPSILON).sqrt()
            * channels(GAMMA)
            + channels(BETA)
        ),
        gamma=GAMMA,
        beta=BETA,
        epsilon=EPSILON,
    ),
    unary("instance_norm", lambda x: functional.instance_norm(x), normal(2, 3, 7)),
    unary(
        "layer_norm",
        lambda x: functional.layer_norm(x, (5,), torch.tensor(W[0]), torch.tensor(W[1])),
        axes=[-1],
        gamma=W[0],
        beta=W[1],
    ),
    unary(
        "layer_norm",
        lambda x: functional.layer_norm(
            x.permute(0, 2, 3, 1), (3,), torch.tensor(GAMMA), torch.tensor(BETA), 1e-3
        ).permute(0, 3, 1, 2),
        axes=[1],
        gamma=GAMMA,
        beta=BETA,
        epsilon=EPSILON,
    ),
    unary("layer_norm", lambda x: functional.layer_norm(x, (4, 5)), axes=[2, 3]),
    unary(
        "l2_norm",
        lambda x: x / (x.flatten(1).pow(2).sum(1) + EPSILON).sqrt()[:, None, None, None],
        epsilon=EPSILON,
    ),
    *(
        unary(
            "local_response_norm",
            lambda x, size=size: local_response(x, size, 0.3, 0.6, 1.1),
            normal(2, 6, 3, 3),
            size=size,
            alpha=A,
            beta=B,
            k=np.float32(1.1),
        )
        for size in (3, 4)
    ),
]

CASES = ELEMENTWISE + ACTIVATIONS + REDUCTIONS + PRODUCTS + NORMS
