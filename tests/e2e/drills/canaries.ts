/**
 * Secrets that can be recognised, and everywhere that they must not be: arguments and environments
 * of all processes of a lab while things happen, and what is written in logs, state and libvirt.
 */
import { createHash } from 'node:crypto';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from '../test-bench.ts';

const text = 'CANARY-munge-key-that-nobody-may-ever-see-';
const cluster = 'a';

/** In base64 what stands around a secret shifts it by up to two bytes. */
function formsOf(secret: Buffer): Buffer[] {
  const encoded = [0, 1, 2].map((shift) =>
    Buffer.concat([Buffer.alloc(shift), secret])
      .toString('base64')
      .slice(4, -4),
  );
  return [secret, Buffer.from(secret.toString('hex')), ...encoded.map((form) => Buffer.from(form))];
}

/** The seed of an OpenSSH ed25519 key: 64 bytes of it and of the public half, after their length. */
function seedOf(pem: string): Buffer {
  const bytes = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64');
  const at = bytes.indexOf(Buffer.from([0, 0, 0, 64]));
  if (at < 0) throw new Error('not an OpenSSH ed25519 key');
  return bytes.subarray(at + 4, at + 36);
}

function filesBelow(folder: string): string[] {
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
  readonly #bench: Bench;
  readonly #key = Buffer.from(text.repeat(6));
  #forms: Buffer[];
  #over = false;
  #watching: Promise<void> | undefined;
  /** Places where a secret was found. */
  readonly hits = new Set<string>();
  /** Processes and other places that were looked at. */
  readonly processes = new Set<string>();
  places = 0;

  /** Before the first start of the controller: a munge key for the cluster `a` lies there already. */
  constructor(bench: Bench) {
    this.#bench = bench;
    this.#forms = formsOf(Buffer.from(text));
    const folder = join(bench.state, 'secrets', 'default', cluster);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(join(folder, 'munge.key'), this.#key, { mode: 0o600 });
  }

  /** What a guest must answer for its munge key, if it has this one. */
  digest(): string {
    return createHash('sha256').update(this.#key).digest('hex');
  }

  /** When the controller has made its own key. */
  watch(): void {
    const pem = readFileSync(
      join(this.#bench.state, 'secrets', 'controller', 'id_ed25519'),
      'utf8',
    );
    this.#forms.push(...formsOf(seedOf(pem)));
    this.#watching = (async () => {
      while (!this.#over) {
        this.#lookAtProcesses();
        await sleep(50);
      }
    })();
  }

  async end(): Promise<void> {
    this.#over = true;
    await this.#watching;
  }

  #look(place: string, bytes: Buffer): void {
    if (bytes.length > 0) this.places += 1;
    if (this.#forms.some((form) => bytes.includes(form))) this.hits.add(place);
  }

  /** Only those of the lab, by its process namespace. */
  #lookAtProcesses(): void {
    const namespaceOf = (pid: string) => {
      try {
        return readlinkSync(`/proc/${pid}/ns/pid`);
      } catch {
        return undefined;
      }
    };
    const ours = namespaceOf(`${this.#bench.lab.pid}`);
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      if (namespaceOf(pid) !== ours) continue;
      const command = read(`/proc/${pid}/cmdline`);
      this.processes.add(`${pid} ${command.subarray(0, 40)}`);
      this.#look(`cmdline of ${pid}`, command);
      this.#look(`environ of ${pid}`, read(`/proc/${pid}/environ`));
    }
  }

  /** Everything that is written, but for the secrets themselves and the disks of guests. */
  async lookAtFiles(): Promise<void> {
    const { lab, state } = this.#bench;
    const written = [
      ...filesBelow(state).filter((path) => !path.startsWith(join(state, 'secrets'))),
      ...filesBelow(join(lab.dir, 'log')),
      ...filesBelow(join(lab.dir, 'etc')),
      ...filesBelow(join(lab.dir, 'run')),
      // Consoles, kernels: all but disks. There are no seed volumes.
      ...filesBelow(join(lab.dir, 'lib')).filter((path) => !path.endsWith('.qcow2')),
    ];
    for (const path of written) if (statSync(path).isFile()) this.#look(path, read(path));
    this.#look('the log', Buffer.from(await this.#bench.log()));
    const { benchctl, virsh } = this.#bench;
    for (const domain of (await virsh('list', '--all', '--name')).trim().split('\n')) {
      this.#look(
        `XML of ${domain}`,
        Buffer.from(await virsh('dumpxml', '--security-info', domain)),
      );
    }
    for (const words of ['get clusters -o yaml', `describe ${cluster}`, 'events', 'plan']) {
      const said = await benchctl(...words.split(' ')).catch(String);
      this.#look(`benchctl ${words}`, Buffer.from(said));
    }
  }
}
