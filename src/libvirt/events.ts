// Events: the table from kind to registration and payload, and the decoder.
// Every event is only a hint that something changed; users read the state again.
// Handles carry the object; numbers that libvirt added later read as `unknown` words.

import {
  type Codec,
  type CodecValue,
  i32,
  optional,
  type StructValue,
  str,
  struct,
  wordOf,
} from './codec.ts';
import { foundDomain, network, pool } from './procedures/handle.ts';
import type { XdrReader } from './xdr.ts';

const domainChange = wordOf([
  'defined',
  'undefined',
  'started',
  'suspended',
  'resumed',
  'stopped',
  'shutdown',
  'pmsuspended',
  'crashed',
]);
const networkChange = wordOf(['defined', 'undefined', 'started', 'stopped']);
const poolChange = wordOf(['defined', 'undefined', 'started', 'stopped', 'created', 'deleted']);

interface EventRow<F> {
  readonly object: 'domain' | 'network' | 'pool';
  readonly eventId: number;
  /** The procedure number of the event message. */
  readonly procedure: number;
  readonly fields: F;
}

type Fields = Readonly<Record<string, Codec<unknown>>>;

function row<F extends Fields>(
  object: EventRow<F>['object'],
  eventId: number,
  procedure: number,
  fields: F,
): EventRow<F> {
  return { object, eventId, procedure, fields };
}

export const eventTable = {
  'domain-lifecycle': row('domain', 0, 318, {
    domain: foundDomain,
    change: domainChange,
    detail: i32,
  }),
  'domain-reboot': row('domain', 1, 319, { domain: foundDomain }),
  'domain-watchdog': row('domain', 3, 321, { domain: foundDomain, action: i32 }),
  'domain-io-error': row('domain', 6, 324, {
    domain: foundDomain,
    path: str,
    device: str,
    action: wordOf(['none', 'pause', 'report']),
    reason: str,
  }),
  'domain-control-error': row('domain', 7, 325, { domain: foundDomain }),
  'domain-device-removed': row('domain', 15, 333, { domain: foundDomain, device: str }),
  'domain-agent-lifecycle': row('domain', 18, 348, {
    domain: foundDomain,
    state: wordOf(['unknown', 'connected', 'disconnected']),
    reason: wordOf(['unknown', 'domain-started', 'channel']),
  }),
  'domain-metadata-change': row('domain', 23, 379, {
    domain: foundDomain,
    type: i32,
    uri: optional(str),
  }),
  'network-lifecycle': row('network', 0, 315, { network, change: networkChange, detail: i32 }),
  'pool-lifecycle': row('pool', 0, 370, { pool, change: poolChange, detail: i32 }),
  'pool-refresh': row('pool', 1, 373, { pool }),
} as const;

type Table = typeof eventTable;
export type EventKind = keyof Table;
export type LibvirtEvent = {
  [K in EventKind]: { readonly kind: K } & StructValue<Table[K]['fields']>;
}[EventKind];
export type EventOf<K extends EventKind> = Extract<LibvirtEvent, { readonly kind: K }>;

export const eventKinds = Object.keys(eventTable) as readonly EventKind[];

const decoders: ReadonlyMap<number, (reader: XdrReader) => LibvirtEvent> = new Map(
  eventKinds.map((kind) => [eventTable[kind].procedure, decoderOf(kind)]),
);

function decoderOf(kind: EventKind): (reader: XdrReader) => LibvirtEvent {
  const fields: Fields = eventTable[kind].fields;
  const payload = struct({ callbackId: i32, ...fields });
  return (reader) => {
    const { callbackId: _, ...rest }: CodecValue<typeof payload> = payload.read(reader);
    // The table row of this very kind gave the codec.
    return { kind, ...rest } as LibvirtEvent;
  };
}

/** Undefined for a procedure that this client never registers; throws ProtocolError if malformed. */
export function decodeEvent(procedure: number, reader: XdrReader): LibvirtEvent | undefined {
  return decoders.get(procedure)?.(reader);
}
