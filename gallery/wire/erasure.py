"""Receipts of erasures, as protobuf and back."""

from uuid import UUID

from gallery.domain import ErasureReceipt
from gallery.v1 import gallery_service_pb2 as pb
from gallery.wire.moments import moment_of, timestamp_of


def receipt_message(receipt: ErasureReceipt) -> pb.ErasureReceipt:
    """Write a receipt."""
    return pb.ErasureReceipt(
        receipt_id=str(receipt.receipt_id),
        erase_time=timestamp_of(receipt.erased_at),
        template_count=receipt.template_count,
    )


def read_receipt(message: pb.ErasureReceipt) -> ErasureReceipt:
    """Read a receipt."""
    return ErasureReceipt(UUID(message.receipt_id), moment_of(message.erase_time), message.template_count)
