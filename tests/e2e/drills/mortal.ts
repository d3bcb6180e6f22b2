/**
 * Loaded before the controller (`node --import`), so that its process kills itself with SIGKILL at
 * a given effect; the code of the product knows nothing of it. An effect is a call that changes the
 * hypervisor, as it passes through the socket, or a change of the state directory. Reports (status,
 * events) decide nothing and are written anew by each process, so they are counted apart.
 *
 *   DRILL_DIE_OF     what is counted: `effects`, or `reports`
 *   DRILL_DIE_AT     number of the effect, from 1; `before` it is sent, or `after` it was done and
 *   DRILL_DIE_SIDE   before its answer is heard
 *   DRILL_DIE_BYTES  bytes of an upload after which it dies instead
 *   DRILL_STATE      the state directory
 *   DRILL_TRACE      file that gets a line for each effect; all processes of a drill share it
 *   DRILL_TIMES      file that gets a line for each process: the age at which it met its first one
 */
import { createHash } from 'node:crypto';
import fs, { appendFileSync } from 'node:fs';
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';

const {
  DRILL_DIE_OF = 'effects',
  DRILL_DIE_AT = '0',
  DRILL_DIE_SIDE,
  DRILL_DIE_BYTES = '0',
  DRILL_STATE = '/nowhere',
  DRILL_TRACE = '/dev/null',
  DRILL_TIMES = '/dev/null',
} = process.env;
const dieAt = Number(DRILL_DIE_AT);
const dieBytes = Number(DRILL_DIE_BYTES);

/** Calls of libvirt's protocol that change something. */
const changing: Readonly<Record<number, string>> = {
  350: 'define domain',
  196: 'start domain',
  234: 'destroy domain',
  231: 'undefine domain',
  28: 'resume domain',
  16: 'autostart domain',
  41: 'define network',
  39: 'start network',
  48: 'autostart network',
  42: 'destroy network',
  49: 'undefine network',
  93: 'create volume',
  125: 'clone volume',
  94: 'delete volume',
  208: 'upload volume',
};
const remoteProgram = 0x20008086;
const headerBytes = 28;
const types = { call: 0, reply: 1, stream: 3 };

interface Header {
  length: number;
  program: number;
  procedure: number;
  type: number;
  serial: number;
  /** What came of it in the same piece. */
  body: Buffer;
}

/** Finds the headers in bytes that come in pieces of any size. */
class Frames {
  readonly #found: (header: Header) => void;
  #head = Buffer.alloc(0);
  #skip = 0;

  constructor(found: (header: Header) => void) {
    this.#found = found;
  }

  push(bytes: Buffer): void {
    for (let rest = bytes; rest.length > 0; ) {
      const passed = Math.min(this.#skip, rest.length);
      this.#skip -= passed;
      rest = rest.subarray(passed);
      const taken = rest.subarray(0, headerBytes - this.#head.length);
      this.#head = Buffer.concat([this.#head, taken]);
      rest = rest.subarray(taken.length);
      if (this.#head.length < headerBytes) return;
      const word = (index: number) => this.#head.readUInt32BE(4 * index);
      this.#found({
        ...{ length: word(0), program: word(1), procedure: word(3), type: word(4) },
        ...{ serial: word(5), body: rest.subarray(0, word(0) - headerBytes) },
      });
      this.#skip = word(0) - headerBytes;
      this.#head = Buffer.alloc(0);
    }
  }
}

let effects = 0;
let uploaded = 0;

function die(): never {
  process.kill(process.pid, 'SIGKILL');
  throw new Error('a process outlived SIGKILL');
}

function note(text: string): void {
  appendFileSync(DRILL_TRACE, `${text}\n`);
}

/** Counts the effect; true when the process is to die after it. Dies here if it is before it. */
function meet(what: string, kind: 'effects' | 'reports' = 'effects'): boolean {
  if (kind !== DRILL_DIE_OF) return false;
  effects += 1;
  if (effects === 1) appendFileSync(DRILL_TIMES, `${Math.round(performance.now())}\n`);
  const last = effects === dieAt;
  if (last && DRILL_DIE_SIDE === 'before') {
    note(`killed before ${what}`);
    die();
  }
  note(what);
  return last;
}

type SocketOptions = net.SocketConstructorOpts & {
  onread?: { buffer: Buffer; callback(bytes: number, buffer: Buffer): boolean };
};

class MortalSocket extends net.Socket {
  #fatal: number | undefined;

  constructor(options: SocketOptions = {}) {
    const { onread } = options;
    const received = new Frames(({ type, serial }) => {
      if (type !== types.reply || serial !== this.#fatal) return;
      note('killed after it');
      die();
    });
    const heard = (bytes: number, buffer: Buffer): boolean => {
      // Only a socket of libvirt is read in this way.
      received.push(buffer.subarray(0, bytes));
      return onread?.callback(bytes, buffer) ?? true;
    };
    super(onread ? { ...options, onread: { ...onread, callback: heard } } : options);
    if (onread) this.once('connect', () => this.#listenToWrites());
  }

  /** Only now: to connect gives a socket the `write` of its class again. */
  #listenToWrites(): void {
    const sent = new Frames((header) => this.#sending(header));
    const write = this.write.bind(this);
    this.write = (chunk: Uint8Array | string, ...rest: never[]): boolean => {
      if (typeof chunk !== 'string') sent.push(Buffer.from(chunk));
      return write(chunk, ...rest);
    };
  }

  #sending({ length, program, procedure, type, serial, body }: Header): void {
    if (program !== remoteProgram) return;
    if (type === types.stream) {
      uploaded += length - headerBytes;
      if (dieBytes === 0 || uploaded < dieBytes) return;
      note(`killed after ${uploaded} bytes`);
      die();
    }
    const what = type === types.call ? changing[procedure] : undefined;
    if (what === undefined) return;
    const digest = createHash('sha256').update(body).digest('hex').slice(0, 6);
    if (meet(`${what} ${digest}`)) this.#fatal = serial;
  }
}

/** Temporary files and the lock are no state yet. */
function isState(path: unknown): path is string {
  if (typeof path !== 'string' || !path.startsWith(`${DRILL_STATE}/`)) return false;
  return !path.endsWith('.tmp') && !path.includes('/run/');
}

async function effect<T>(verb: string, path: unknown, work: () => Promise<T>): Promise<T> {
  if (!isState(path)) return work();
  const isReport = /\/status\.json$|\/events\.jsonl$/.test(path);
  const what = `${verb} ${path.slice(DRILL_STATE.length + 1)}`;
  const last = meet(what, isReport ? 'reports' : 'effects');
  const result = await work();
  if (!last) return result;
  note('killed after it');
  die();
}

const { rename, link, rm, appendFile } = promises;
promises.appendFile = (path, ...rest) => effect('append', path, () => appendFile(path, ...rest));
promises.rename = (from, to) => effect('write', to, () => rename(from, to));
promises.link = (from, to) => effect('make', to, () => link(from, to));
promises.rm = async (path, options) => {
  // What is not there is not removed.
  const there = fs.existsSync(path);
  await (there ? effect('remove', path, () => rm(path, options)) : rm(path, options));
};
net.Socket = MortalSocket;
syncBuiltinESMExports();
