"""Changes at a rate while clients read, and the pulse of the simulated life."""

import asyncio
from collections.abc import Mapping

from wms_emulator import changes
from wms_emulator.changes import ChangeError
from wms_emulator.life import Life
from wms_emulator.warehouse import Warehouse

_TICK_S = 0.05
_RATES = ("inserts_per_s", "updates_per_s", "deletes_per_s")
_VERBS = ("insert", "update", "delete")


class Activity:
    """Applies changes in small transactions; off until set."""

    def __init__(self, warehouse: Warehouse, life: Life) -> None:
        self._warehouse = warehouse
        self._life = life
        self._rates = dict.fromkeys(_RATES, 0.0)
        self._entities: tuple[str, ...] = ("allocation",)
        self._done = dict.fromkeys(_VERBS, 0)
        self._due = dict.fromkeys(_VERBS, 0.0)

    def set(self, wanted: Mapping[str, object]) -> dict[str, object]:
        """Set rates and entities; what is not named becomes zero (allocation).

        Raises:
            ChangeError: an unknown key, or a rate that is no number from zero up.
        """
        rates = dict.fromkeys(_RATES, 0.0)
        entities = self._entities if not wanted else ("allocation",)
        for name, value in wanted.items():
            if name == "entities" and isinstance(value, list) and value:
                entities = tuple(str(one) for one in value)
            elif name in rates and isinstance(value, int | float) and value >= 0:
                rates[name] = float(value)
            else:
                raise ChangeError(f"{name}: one of {', '.join(_RATES)} (numbers), entities (list)")
        changes.apply(
            self._warehouse, {"insert": dict.fromkeys(entities, 0)}
        )  # refuses unknown entities
        self._rates, self._entities = rates, entities
        self._due = dict.fromkeys(_VERBS, 0.0)
        return self.shown()

    def shown(self) -> dict[str, object]:
        """Rates in force and what has been done so far."""
        return {**self._rates, "entities": list(self._entities), "done": dict(self._done)}

    def step(self, elapsed_s: float) -> None:
        """Make the changes that fell due in this time, one transaction per entity."""
        for verb, rate in zip(_VERBS, _RATES, strict=True):
            self._due[verb] += self._rates[rate] * elapsed_s
            count = int(self._due[verb])
            if not count:
                continue
            self._due[verb] -= count
            share, rest = divmod(count, len(self._entities))
            for number, name in enumerate(self._entities):
                done = changes.apply(self._warehouse, {verb: {name: share + (number < rest)}})
                self._done[verb] += done[verb][name]

    async def run(self) -> None:
        """Step for ever; cancel to stop."""
        loop = asyncio.get_running_loop()
        last = loop.time()
        while True:
            await asyncio.sleep(_TICK_S)
            now = loop.time()
            clock = self._warehouse.clock
            self.step((now - last) * (1.0 if clock.stands else clock.speed))
            last = now
            if not clock.stands:
                self._life.step()
