/**
 * While a simulated run goes on, real time, chance, timers and the world outside throw: code that
 * reaches for them could not be replayed. Loading of modules and tests go on after the run.
 */
import childProcess from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';

export class TrapError extends Error {
  constructor(name: string) {
    super(`${name} in a simulated run: take it from a port`);
    this.name = 'TrapError';
  }
}

type Owner = Record<string, unknown>;

const trapped: [string, Owner, string[]][] = [
  ['Date', Date as unknown as Owner, ['now']],
  ['String', String.prototype as unknown as Owner, ['localeCompare']],
  ['Intl', Intl as unknown as Owner, ['Collator', 'DateTimeFormat', 'NumberFormat']],
  ['Math', Math as unknown as Owner, ['random']],
  ['performance', performance as unknown as Owner, ['now']],
  [
    'globalThis',
    globalThis as unknown as Owner,
    ['setTimeout', 'setInterval', 'setImmediate', 'fetch'],
  ],
  ['process', process as unknown as Owner, ['nextTick', 'hrtime', 'uptime']],
  ['AbortSignal', AbortSignal as unknown as Owner, ['timeout']],
  [
    'crypto',
    crypto as unknown as Owner,
    ['randomBytes', 'randomUUID', 'randomInt', 'randomFillSync'],
  ],
  [
    'fs',
    fs as unknown as Owner,
    ['readFileSync', 'writeFileSync', 'openSync', 'readFile', 'writeFile', 'readdirSync', 'watch'],
  ],
  ['net', net as unknown as Owner, ['connect', 'createConnection', 'createServer']],
  ['child_process', childProcess as unknown as Owner, ['spawn', 'exec', 'execFile', 'spawnSync']],
];

/** Runs it to its end with all traps set; they are taken away again whatever happens. */
export function trapping<T>(run: () => T): T {
  const restored: (() => void)[] = [];
  try {
    for (const [place, owner, names] of trapped) {
      for (const name of names) restored.push(trap(place, owner, name));
    }
    restored.push(trapNewDate());
    syncBuiltinESMExports();
    return run();
  } finally {
    for (const restore of restored) restore();
    syncBuiltinESMExports();
  }
}

/** A date of some moment is a value; one of now is not. */
function trapNewDate(): () => void {
  const real = globalThis.Date;
  globalThis.Date = new Proxy(real, {
    construct(target, args) {
      if (args.length === 0) throw new TrapError('new Date()');
      return Reflect.construct(target, args);
    },
  });
  return () => {
    globalThis.Date = real;
  };
}

/** Gives what takes the trap away again. */
function trap(place: string, owner: Owner, name: string): () => void {
  const before = Object.getOwnPropertyDescriptor(owner, name);
  // No arrow, because what is trapped may be a constructor.
  const throws = function throws(): never {
    throw new TrapError(`${place}.${name}`);
  };
  Object.defineProperty(owner, name, { value: throws, configurable: true, writable: true });
  return () => {
    if (before) Object.defineProperty(owner, name, before);
    else delete owner[name];
  };
}
