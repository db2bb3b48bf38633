"""The connectors of a gateway: those that its settings name, and what they need of it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.outside import outside_client
from gateway.publishing.connectors.accounts import Accounts
from gateway.publishing.connectors.delivery import Delivery, NewDelivery
from gateway.publishing.connectors.provider import Client, Plan, Provider
from gateway.publishing.connectors.records import ConnectorRecords
from gateway.publishing.connectors.sending import Sending
from gateway.publishing.connectors.tiktok import TikTok
from gateway.publishing.connectors.youtube import YouTube
from gateway.publishing.pack import Packer, Work
from gateway.publishing.platforms import BY_ID, PlatformId
from gateway.publishing.records import NewPost, Records
from gateway.publishing.view import suggested
from gateway.settings import GatewaySettings
from orchestrator.client import JobClient
from vigent.jobs.v1 import jobs_pb2

_SILENCE_S = 60.0


@dataclass(frozen=True)
class Connectors:
    """Accounts and deliveries at the platforms that the settings name."""

    accounts: Accounts
    records: ConnectorRecords
    sending: Sending
    works: _Works

    async def deliver(self, job: jobs_pb2.Job, asked: NewDelivery, owner: str, key: str) -> Delivery:
        """Sends a finished film when it is time. The same `key` again is the same delivery.

        Raises NotFoundError, UnauthenticatedError, InvalidInputError for what the platform's rules refuse, and as
        `ConnectorRecords.add`.
        """
        provider = self.accounts.provider(asked.platform)
        await self.accounts.access(owner, asked.platform)
        await self.works.check(provider, job)
        now = datetime.now(UTC)
        native = provider.capabilities.schedules and asked.visibility == "public"
        waits = asked.publish_at is not None and not native
        delivery = Delivery(
            id=f"delivery-{secrets.token_hex(8)}",
            job_id=job.id,
            owner=owner,
            asked=asked,
            idempotency_key=key,
            create_time=now,
            due=asked.publish_time if waits else now,
            not_before=asked.publish_time if waits else None,
        )
        kept = await asyncio.to_thread(self.records.add, delivery)
        self.sending.wake()
        return kept


@dataclass(frozen=True)
class _Works:
    """Films as they are sent, and what is kept of them."""

    jobs: JobClient
    records: Records
    packer: Packer

    async def check(self, provider: Provider, job: jobs_pb2.Job) -> Work:
        """The work with its texts as they are now. Raises InvalidInputError for what breaks a rule of the platform."""
        record = await asyncio.to_thread(self.records.read, job.id)
        work = Work(job, record.draft or suggested(job))
        provider.validate(work.film, work.draft.texts_for(provider.platform))
        return work

    async def plan(self, delivery: Delivery, provider: Provider) -> Plan:
        """What is to be sent. Raises as `check` does: much may be written until it is time."""
        asked = delivery.asked
        work = await self.check(provider, await self.jobs.get(delivery.job_id))
        film = await asyncio.to_thread(self.packer.film, work, BY_ID[asked.platform])
        publish_time = asked.publish_time if asked.publish_at else None
        texts = work.draft.texts_for(asked.platform)
        return Plan(
            film, film.stat().st_size, texts, asked.visibility, ai_made=asked.ai_made, publish_time=publish_time
        )

    async def posted(self, delivery: Delivery) -> None:
        """Notes with the work where it was posted."""
        post = NewPost(platform=delivery.asked.platform, url=delivery.url)
        await asyncio.to_thread(self.records.post, delivery.job_id, post)


@asynccontextmanager
async def open_connectors(
    settings: GatewaySettings, jobs: JobClient, records: Records, packer: Packer
) -> AsyncIterator[Connectors | None]:
    """Sends what is due while it is open; None where the settings name no platform, and then nothing is kept."""
    providers = providers_of(settings)
    if not providers:
        yield None
        return
    root = settings.connectors_root
    kept = await asyncio.to_thread(ConnectorRecords, root)
    async with outside_client(_SILENCE_S) as http:
        accounts, works = Accounts(providers, kept, http), _Works(jobs, records, packer)
        at_once, pause_s = settings.packs_at_once, settings.connectors_pause_s
        sending = Sending(kept, accounts, http, works.plan, works.posted, at_once=at_once, pause_s=pause_s)
        running = asyncio.create_task(sending.run(root / "sending.lock"))
        try:
            yield Connectors(accounts, kept, sending, works)
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


def providers_of(settings: GatewaySettings) -> Mapping[PlatformId, Provider]:
    """The connectors for which there are client id and secret."""
    base = settings.connectors_base_url
    youtube = Client(settings.youtube_client_id, settings.youtube_client_secret, base)
    tiktok = Client(settings.tiktok_client_key, settings.tiktok_client_secret, base)
    both: list[tuple[type[Provider], Client]] = [(YouTube, youtube), (TikTok, tiktok)]
    return {kind.platform: kind(client) for kind, client in both if client.id and client.secret}
