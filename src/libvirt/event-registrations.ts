// Which event kinds are registered on one connection. Each kind is registered at most once, for
// all objects; the daemon forgets them with the connection, so a new connection starts empty.

import type { Caller } from './caller.ts';
import { LibvirtError } from './error.ts';
import { type EventKind, eventTable } from './events.ts';
import type { CallOptions } from './pending-call.ts';
import * as table from './procedures/connect.ts';

/** What an older daemon says to an event id that it does not know: 1, 3 or 8. */
const unknownEvent: ReadonlySet<string> = new Set(['INTERNAL_ERROR', 'NO_SUPPORT', 'INVALID_ARG']);

export class EventRegistrations {
  readonly #caller: Caller;
  readonly #callbackIds = new Map<EventKind, number>();

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  /** Returns the kinds that this daemon does not have. */
  async subscribe(
    kinds: Iterable<EventKind>,
    options?: CallOptions,
  ): Promise<readonly EventKind[]> {
    const unsupported: EventKind[] = [];
    for (const kind of new Set(kinds)) {
      if (this.#callbackIds.has(kind)) continue;
      try {
        this.#callbackIds.set(kind, await this.#register(kind, options));
      } catch (error) {
        if (!(error instanceof LibvirtError) || !unknownEvent.has(error.code)) throw error;
        unsupported.push(kind);
      }
    }
    return unsupported;
  }

  async unsubscribe(kinds: Iterable<EventKind>, options?: CallOptions): Promise<void> {
    for (const kind of kinds) {
      const callbackId = this.#callbackIds.get(kind);
      if (callbackId === undefined) continue;
      this.#callbackIds.delete(kind);
      await this.#deregister(kind, callbackId, options);
    }
  }

  #register(kind: EventKind, options: CallOptions | undefined): Promise<number> {
    const { object, eventId } = eventTable[kind];
    switch (object) {
      case 'domain':
        return this.#caller.call(
          table.registerDomainEvent,
          { eventId, domain: undefined },
          options,
        );
      case 'network':
        return this.#caller.call(
          table.registerNetworkEvent,
          { eventId, network: undefined },
          options,
        );
      case 'pool':
        return this.#caller.call(table.registerPoolEvent, { eventId, pool: undefined }, options);
    }
  }

  #deregister(
    kind: EventKind,
    callbackId: number,
    options: CallOptions | undefined,
  ): Promise<void> {
    const rows = {
      domain: table.deregisterDomainEvent,
      network: table.deregisterNetworkEvent,
      pool: table.deregisterPoolEvent,
    };
    return this.#caller.call(rows[eventTable[kind].object], { callbackId }, options);
  }
}
