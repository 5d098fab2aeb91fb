"""Every check, in the order in which a server meets what they look at."""

from gallery.checkup.access import access_checks
from gallery.checkup.address import address_check
from gallery.checkup.checks import Check
from gallery.checkup.machine import machine_checks
from gallery.checkup.model import model_checks
from gallery.checkup.store import file_checks, store_checks
from gallery.settings import Settings


async def checkup(settings: Settings, *, mend: bool = False) -> list[Check]:
    """Check the machine, the files, the model, the address and the store; nothing is raised.

    Nothing is changed but by ``mend``, which makes the replicas of galleries on Qdrant even again. A store folder that
    no server uses is opened for a moment, as a server would open it.
    """
    checks = [*machine_checks(settings), *access_checks(settings), *file_checks(settings), *model_checks(settings)]
    address, answers = await address_check(settings)
    checks.append(address)
    checks += [check async for check in store_checks(settings, in_use=answers, mend=mend)]
    return checks
