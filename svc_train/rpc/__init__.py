"""The service's gRPC contracts: runs, and the bases they start from."""

from __future__ import annotations

from svc_train.rpc.bases import bases_rpc
from svc_train.rpc.runs import train_rpc

__all__ = ["bases_rpc", "train_rpc"]
