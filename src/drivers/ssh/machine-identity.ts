// Proves that the machine at the other end is the libvirt domain that it should be.
// The firmware's product UUID is the domain's UUID, and no guest can be given another's by a
// stale lease or a swapped address. Only root may read it, so others need sudo for this one file.

import type { SshConnection } from './connection.ts';
import { printableTail } from './printable.ts';
import { MachineUnidentified, WrongMachine } from './reach-error.ts';

const SCRIPT = `f=/sys/class/dmi/id/product_uuid
if [ -r "$f" ]; then exec cat "$f"; fi
if ! [ -e "$f" ]; then echo "$f does not exist" >&2; exit 1; fi
if ! command -v sudo >/dev/null 2>&1; then echo "only root may read $f, and there is no sudo" >&2; exit 1; fi
exec sudo -n cat "$f"`;
const TIMEOUT_MS = 15_000;
const OUTPUT_BYTES = 4096;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export async function proveMachine(
  connection: Pick<SshConnection, 'run' | 'name' | 'user'>,
  uuid: string,
  signal: AbortSignal,
): Promise<void> {
  const answer = await connection.run({
    script: SCRIPT,
    timeoutMs: TIMEOUT_MS,
    maxOutputBytes: OUTPUT_BYTES,
    signal,
  });
  const found = answer.stdout.trim().toLowerCase();
  if (answer.exitCode !== 0 || !UUID.test(found)) {
    const reason = printableTail(answer.stderr, 300) || 'its product UUID is not readable';
    throw new MachineUnidentified(connection.name, connection.user, reason);
  }
  const expected = uuid.toLowerCase();
  if (found !== expected) throw new WrongMachine(connection.name, expected, found);
}
