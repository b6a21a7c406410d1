"""What every route is handed: the services by name."""

from dataclasses import dataclass

from fastapi import Request

from services.calibration.manager import AsyncCalibrationManager
from services.i18n import Catalogues


@dataclass(frozen=True, slots=True)
class Services:
    """What routes call; built by the composition root."""

    manager: AsyncCalibrationManager
    catalogues: Catalogues


def services_of(request: Request) -> Services:
    services = request.app.state.services
    assert isinstance(services, Services)  # noqa: S101 - the app is made with them
    return services
