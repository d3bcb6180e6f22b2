/**
 * While a simulated run goes on, real time, chance, timers, the language of the machine and the
 * world outside throw: code that reaches for them could not be replayed. The traps are laid once in
 * a thread, when this file is loaded, and set while a run goes on: so a run costs nothing more, and
 * loading of modules and tests go on beside it.
 */
import childProcess from 'node:child_process';
import crypto from 'node:crypto';
import dns from 'node:dns';
import fs from 'node:fs';
import fsPromises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';
import os from 'node:os';
import timers from 'node:timers';
import timersPromises from 'node:timers/promises';

export class TrapError extends Error {
  constructor(name: string) {
    super(`${name} in a simulated run: take it from a port`);
    this.name = 'TrapError';
  }
}

type Owner = Record<string, unknown>;

const timerNames = ['setTimeout', 'setInterval', 'setImmediate'];
const localeNames = ['toLocaleString', 'toLocaleDateString', 'toLocaleTimeString'];

/** Without names: all its functions. */
const trapped: [place: string, owner: object, names?: string[]][] = [
  ['Date', Date, ['now']],
  ['Date', Date.prototype, [...localeNames, 'getTimezoneOffset']],
  ['Number', Number.prototype, ['toLocaleString']],
  ['String', String.prototype, ['localeCompare', 'toLocaleLowerCase', 'toLocaleUpperCase']],
  ['Intl', Intl, ['Collator', 'DateTimeFormat', 'NumberFormat']],
  ['Math', Math, ['random']],
  ['performance', performance, ['now', 'mark', 'measure']],
  ['globalThis', globalThis, [...timerNames, 'fetch', 'WebSocket']],
  ['timers', timers, timerNames],
  ['timers/promises', timersPromises, timerNames],
  ['process.hrtime', process.hrtime, ['bigint']],
  ['process', process, ['nextTick', 'hrtime', 'uptime', 'cpuUsage', 'memoryUsage']],
  ['AbortSignal', AbortSignal, ['timeout']],
  ['webcrypto', Object.getPrototypeOf(globalThis.crypto), ['getRandomValues', 'randomUUID']],
  [
    'crypto',
    crypto,
    ['randomBytes', 'randomUUID', 'randomInt', 'randomFill', 'randomFillSync']
      .concat(['generateKey', 'generateKeySync', 'generateKeyPair', 'generateKeyPairSync'])
      .concat(['generatePrime', 'generatePrimeSync']),
  ],
  ['fs', fs],
  ['fs/promises', fsPromises],
  ['net', net, ['connect', 'createConnection', 'createServer']],
  ['dns', dns],
  ['os', os],
  ['child_process', childProcess],
];

/** Values, and not functions: those of the process. */
const trappedValues: [place: string, owner: object, names: string[]][] = [
  ['process', process, ['env', 'pid']],
  ['performance', performance, ['timeOrigin']],
];

let isSet = false;

for (const [place, owner, names = functionsOf(owner)] of trapped) {
  for (const name of names) trap(place, owner as Owner, name);
}
for (const [place, owner, names] of trappedValues) {
  for (const name of names) trapValue(place, owner as Owner, name);
}
globalThis.Date = guarded(Date, (args, isNew) => {
  // A date of some moment is a value; one of now is not.
  if (!isNew) return 'Date()';
  return args.length === 0 ? 'new Date()' : undefined;
});
syncBuiltinESMExports();

/** Runs it to its end with all traps set; also within another such run. */
export function trapping<T>(run: () => T): T {
  const before = isSet;
  isSet = true;
  try {
    return run();
  } finally {
    isSet = before;
  }
}

/** Those that are there at once: a getter may load what it gives. */
function functionsOf(owner: object): string[] {
  return Object.entries(Object.getOwnPropertyDescriptors(owner))
    .filter(([, { value, configurable }]) => typeof value === 'function' && configurable)
    .map(([name]) => name);
}

function trap(place: string, owner: Owner, name: string): void {
  const { value, ...how } = Object.getOwnPropertyDescriptor(owner, name) ?? {
    ...{ value: owner[name], configurable: true, writable: true, enumerable: true },
  };
  const real = value ?? owner[name];
  if (typeof real !== 'function') throw new TypeError(`${place} has no function ${name}`);
  const { configurable = true, enumerable = true } = how;
  const trapped = guarded(real as new () => unknown, () => `${place}.${name}`);
  Object.defineProperty(owner, name, { value: trapped, configurable, enumerable, writable: true });
}

/** The same function, which throws while the traps are set and `reached` names what it is. */
function guarded<T extends new (...args: never[]) => unknown>(
  real: T,
  reached: (args: unknown[], isNew: boolean) => string | undefined,
): T {
  const check = (args: unknown[], isNew: boolean) => {
    const name = isSet ? reached(args, isNew) : undefined;
    if (name !== undefined) throw new TrapError(name);
  };
  return new Proxy(real, {
    apply(target, self, args) {
      check(args, false);
      return Reflect.apply(target as unknown as () => unknown, self, args);
    },
    construct(target, args, newTarget) {
      check(args, true);
      return Reflect.construct(target, args, newTarget) as object;
    },
  });
}

/** Node and packages may look: at `env`, for one, how they should word an error. */
function trapValue(place: string, owner: Owner, name: string): void {
  let value = owner[name];
  Object.defineProperty(owner, name, {
    configurable: true,
    enumerable: true,
    get: () => {
      if (isSet && !isAskedByOthers()) throw new TrapError(`${place}.${name}`);
      return value;
    },
    set: (changed) => {
      value = changed;
    },
  });
}

function isAskedByOthers(): boolean {
  // The error, this function, the getter, and then who asks; `assert` has stacks left out.
  const caller = new Error('who asks').stack?.split('\n')[3];
  return caller === undefined || /node:|node_modules/.test(caller);
}
