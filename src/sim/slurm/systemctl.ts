/** systemctl and journalctl over the three services of a machine. */
import { type Program, type ProgramCall, rest, type Waiting } from '../shell/machine.ts';
import { NotModelledError } from '../shell/syntax.ts';
import type { Machine } from './machine.ts';
import type { Service } from './service.ts';

/** Reading all unit files anew is dear in a guest, and munge takes a moment to end and start. */
const reloadMs = 400;
const startMs = 150;

export function systemdPrograms(machine: () => Machine): Map<string, Program> {
  const services = (call: ProgramCall, words: string[]): Service[] =>
    words.map((word) => {
      const service = machine().service(word.replace(/\.service$/, ''));
      if (service === undefined) throw new NotModelledError(`systemctl ${call.args.join(' ')}`);
      return service;
    });
  const systemctl: Program = function* (call): Waiting<number> {
    const { properties, now, words } = options(call);
    const [verb = '', ...names] = words;
    const units = services(call, names);
    switch (verb) {
      case 'show':
        show(call, units, properties);
        return 0;
      case 'is-active': {
        const isActive = units.every(({ activeState }) => activeState === 'active');
        if (!call.args.includes('--quiet')) {
          call.output.text += units.map(({ activeState }) => `${activeState}\n`).join('');
        }
        return isActive ? 0 : 3;
      }
      case 'daemon-reload':
        yield reloadMs;
        for (const unit of Object.values(machine().services)) unit.reload();
        return 0;
      case 'enable':
      case 'disable':
        for (const unit of units) unit.enable(verb === 'enable');
        if (!call.args.includes('--no-reload')) {
          yield reloadMs;
          for (const unit of Object.values(machine().services)) unit.reload();
        }
        if (now) yield* change(verb === 'enable' ? 'start' : 'stop', units);
        return 0;
      case 'start':
      case 'stop':
      case 'restart':
        return yield* change(verb, units);
      default:
        throw new NotModelledError(`systemctl ${call.args.join(' ')}`);
    }
  };
  const journalctl: Program = (call) => {
    const words = call.args.join(' ');
    const [, name = '', lines] = /^-u (\S+)\.service -n (\d+) -o cat --no-pager$/.exec(words) ?? [];
    const journal = machine().service(name)?.journal;
    if (journal === undefined) throw new NotModelledError(`journalctl ${words}`);
    for (const entry of journal.slice(-Number(lines))) call.output.text += `${entry}\n`;
    return 0;
  };
  /** Only ever for the main process of a service. */
  const kill: Program = ({ args }) => {
    const [signal, pid = signal] = args;
    if (signal === machine().trial?.pid) {
      machine().trial = undefined;
      return 0;
    }
    const service = Object.values(machine().services).find((one) => String(one.pid) === pid);
    if (signal !== '-9' || service === undefined) throw new NotModelledError(`kill ${args}`);
    service.kill();
    return 0;
  };
  const munge: Program = ({ output, errors }) => {
    const own = machine().services.munge.munge;
    if (own !== undefined) output.text += `MUNGE:${own.key}\n`;
    else errors.text += 'munge: Error: Failed to access "/run/munge/munge.socket.2"\n';
    return own === undefined ? 6 : 0;
  };
  const unmunge: Program = ({ input }) =>
    rest(input) === `MUNGE:${machine().services.munge.munge?.key}\n` ? 0 : 15;
  const hostname: Program = ({ args: [name], output }) => {
    if (name === undefined) output.text += `${machine().hostname}\n`;
    else machine().write('/proc/sys/kernel/hostname', `${name}\n`);
    return 0;
  };
  return new Map(Object.entries({ systemctl, journalctl, kill, munge, unmunge, hostname }));
}

function* change(verb: 'start' | 'stop' | 'restart', units: Service[]): Waiting<number> {
  yield startMs;
  if (verb !== 'start') for (const unit of units) unit.stop();
  if (verb === 'stop') return 0;
  return units.map((unit) => unit.start()).every(Boolean) ? 0 : 1;
}

function options({ args }: ProgramCall) {
  const [words, properties]: [string[], string[]] = [[], []];
  let now = false;
  for (let index = 0; index < args.length; index += 1) {
    const word = args[index] ?? '';
    if (word === '-p') {
      index += 1;
      properties.push(args[index] ?? '');
    } else if (word === '--now') now = true;
    else if (word.startsWith('-')) {
      if (!['--quiet', '--no-reload'].includes(word))
        throw new NotModelledError(`systemctl ${args.join(' ')}`);
    } else words.push(word);
  }
  return { words, properties, now };
}

/** One block per unit, with an empty line between. */
function show({ output }: ProgramCall, units: Service[], properties: string[]): void {
  output.text += units
    .map((unit) => properties.map((name) => `${name}=${propertyOf(unit, name)}\n`).join(''))
    .join('\n');
}

function propertyOf(unit: Service, name: string): string {
  switch (name) {
    case 'Id':
      return `${unit.name}.service`;
    case 'ActiveState':
      return unit.activeState;
    case 'UnitFileState':
      return unit.isEnabled ? 'enabled' : 'disabled';
    case 'ActiveEnterTimestampMonotonic':
      return String(Math.round(unit.activeAt * 1000));
    case 'InactiveEnterTimestampMonotonic':
      return String(Math.round(unit.inactiveAt * 1000));
    case 'MainPID':
      return String(unit.pid);
    default:
      throw new NotModelledError(`systemctl show -p ${name}`);
  }
}
