/** libvirt's numbers for the state of a domain and its reason → the words of the port. */
import type { DomainState } from '../../controllers/ports.ts';

const states: readonly DomainState[] = [
  'unknown',
  'running',
  // "Blocked on a resource" is an old word for running; QEMU never says it.
  'running',
  'paused',
  'shutdown',
  'shutoff',
  'crashed',
  'pmsuspended',
];

const reasons: Readonly<Partial<Record<DomainState, readonly string[]>>> = {
  running: [
    'unknown',
    'booted',
    'migrated',
    'restored',
    'from-snapshot',
    'unpaused',
    'migration-canceled',
    'save-canceled',
    'wakeup',
    'crashed',
    'postcopy',
    'postcopy-failed',
  ],
  paused: [
    'unknown',
    'user',
    'migration',
    'save',
    'dump',
    'ioerror',
    'watchdog',
    'from-snapshot',
    'shutting-down',
    'snapshot',
    'crashed',
    'starting-up',
    'postcopy',
    'postcopy-failed',
    'api-error',
  ],
  shutdown: ['unknown', 'user'],
  shutoff: [
    'unknown',
    'shutdown',
    'destroyed',
    'crashed',
    'migrated',
    'saved',
    'failed',
    'from-snapshot',
    'daemon',
  ],
  crashed: ['unknown', 'panicked'],
};

/** A number that is newer than this list is `unknown`. */
export function domainStateOf(
  state: unknown,
  reason: unknown,
): { state: DomainState; reason: string } {
  const word = (typeof state === 'number' ? states[state] : undefined) ?? 'unknown';
  const detail = typeof reason === 'number' ? reasons[word]?.[reason] : undefined;
  return { state: word, reason: detail ?? 'unknown' };
}
