/**
 * Secrets that can be recognised, and everywhere that they must not be: arguments and environments
 * of all programs that were started while things happened, and what is written in logs, state,
 * guests and libvirt. A test file that has canaries records its programs; see exec-record.ts.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench } from '../test-bench.ts';

const text = 'CANARY-munge-key-that-nobody-may-ever-see-';
/**
 * In base64 what stands around a secret shifts it by up to two bytes. strace writes bytes that are
 * not ASCII, and all that stands beside them, as `\xNN`.
 */
function formsOf(secret: Buffer): Buffer[] {
  const encoded = [0, 1, 2].map((shift) =>
    Buffer.concat([Buffer.alloc(shift), secret])
      .toString('base64')
      .slice(4, -4),
  );
  const forms = [secret, ...[secret.toString('hex'), ...encoded].map((form) => Buffer.from(form))];
  const escaped = (form: Buffer) => form.toString('hex').replace(/../g, '\\x$&');
  return [...forms, ...forms.map((form) => Buffer.from(escaped(form)))];
}

/** The seed of an OpenSSH ed25519 key: 64 bytes of it and of the public half, after their length. */
function seedOf(pem: string): Buffer {
  const bytes = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64');
  const at = bytes.indexOf(Buffer.from([0, 0, 0, 64]));
  if (at < 0) throw new Error('not an OpenSSH ed25519 key');
  return bytes.subarray(at + 4, at + 36);
}

export function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Gone between two looks, or not ours to read: nothing. */
function read(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch {
    return Buffer.alloc(0);
  }
}

export class Canaries {
  /** A munge key that nobody but Slurm may see. */
  readonly key = Buffer.from(text.repeat(6));
  readonly #forms = formsOf(Buffer.from(text));
  readonly #programs: () => Buffer;
  /** Places where a secret was found. */
  readonly hits = new Set<string>();
  /** Programs that were started, and texts that were looked at. */
  programs = 0;
  texts = 0;

  /** What was started so far; see `recordExecs`. */
  constructor(programs: () => Buffer) {
    this.#programs = programs;
  }

  /** Before a cluster is made: its key lies there already. */
  plant({ state }: Bench, cluster: string): void {
    const folder = join(state, 'secrets', 'default', cluster);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(join(folder, 'munge.key'), this.key, { mode: 0o600 });
  }

  /** When the controller has made its own key. */
  learn({ state }: Bench): void {
    const pem = readFileSync(join(state, 'secrets', 'controller', 'id_ed25519'), 'utf8');
    this.#forms.push(...formsOf(seedOf(pem)));
  }

  /** What a guest must answer for its munge key, if it has this one. */
  digest(): string {
    return createHash('sha256').update(this.key).digest('hex');
  }

  report(): string {
    const { programs, texts, hits } = this;
    return `${programs} starts of programs and ${texts} texts looked at, ${hits.size} hits`;
  }

  look(place: string, text: Buffer | string): void {
    if (text.length > 0) this.texts += 1;
    const bytes = Buffer.from(text);
    if (this.#forms.some((form) => bytes.includes(form))) this.hits.add(place);
  }

  lookAtFiles(paths: readonly string[]): void {
    for (const path of paths) {
      if (statSync(path, { throwIfNoEntry: false })?.isFile()) this.look(path, read(path));
    }
  }

  /** Arguments and environment of each program that was started so far. */
  lookAtPrograms(): void {
    const calls = this.#programs().toString('latin1').split('\n');
    const starts = calls.filter((call) => call.includes(' execve'));
    this.programs = starts.length;
    for (const start of starts) {
      const bytes = Buffer.from(start, 'latin1');
      if (this.#forms.some((form) => bytes.includes(form))) {
        this.hits.add(`program ${/"[^"]*"/.exec(start)?.[0]}`);
      }
    }
  }

  /** Everything that is written, but for the secrets themselves and the disks of guests. */
  async lookAtBench(bench: Bench, cluster: string): Promise<void> {
    const { lab, state, benchctl, virsh } = bench;
    this.lookAtFiles([
      ...filesBelow(state).filter((path) => !path.startsWith(join(state, 'secrets'))),
      ...filesBelow(join(lab.dir, 'log')),
      ...filesBelow(join(lab.dir, 'etc')),
      ...filesBelow(join(lab.dir, 'run')),
      // Consoles, kernels: all but disks. There are no seed volumes.
      ...filesBelow(join(lab.dir, 'lib')).filter((path) => !path.endsWith('.qcow2')),
    ]);
    this.look('the log', await bench.log());
    for (const domain of (await virsh('list', '--all', '--name')).trim().split('\n')) {
      if (domain === '') continue;
      this.look(`XML of ${domain}`, await virsh('dumpxml', '--security-info', domain));
    }
    for (const words of ['get clusters -o yaml', `describe ${cluster}`, 'events', 'plan']) {
      this.look(`benchctl ${words}`, await benchctl(...words.split(' ')).catch(String));
    }
  }

  /** What runs in a guest with an operating system, how it was started and what it wrote. */
  async lookAtGuest({ benchctl }: Bench, node: string): Promise<void> {
    const script = `cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null
      find /run/systemd/transient /var/log -type f -exec cat {} + ; journalctl --no-pager -o cat`;
    this.look(`guest ${node}`, await benchctl('ssh', node, '--', 'sh', '-c', `'${script}'`));
  }
}
