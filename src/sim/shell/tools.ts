/** Programs that every guest has, as far as our scripts use them. An option that is unknown throws. */
import { sha256 } from '../../lib/hash.ts';
import {
  type Program,
  type ProgramCall,
  rest,
  type ShellMachine,
  type Waiting,
} from './machine.ts';
import { NotModelledError } from './syntax.ts';

/** `now` is the machine's own clock in milliseconds. */
export function commonPrograms(machine: ShellMachine, now: () => number): Map<string, Program> {
  const read = (path: string, { errors }: ProgramCall): string => {
    const content = machine.read(path);
    if (content === undefined) errors.text += `cannot open ${path}: No such file or directory\n`;
    return content ?? '';
  };
  const move: Program = (call) => {
    const [from = '', to = ''] = call.args.filter((word) => !/^-[fp]$/.test(word));
    const content = machine.read(from);
    if (content === undefined) return refuse(call, `cannot stat '${from}'`);
    machine.remove(from);
    machine.write(to, content);
    return 0;
  };
  const copy: Program = (call) => {
    const [from = '', to = ''] = call.args.filter((word) => !/^-[fp]$/.test(word));
    const content = machine.read(from);
    if (content === undefined) return refuse(call, `cannot stat '${from}'`);
    machine.write(to, content);
    return 0;
  };
  const programs: Record<string, Program> = {
    mv: move,
    cp: copy,
    chown: () => 0,
    chmod: () => 0,
    mkdir: () => 0,
    rm({ args }) {
      for (const path of args) if (!path.startsWith('-')) machine.remove(path);
      return 0;
    },
    install(call) {
      const paths = call.args.filter((word, index) => {
        return !/^-[ogmd]$/.test(word) && !/^-[ogm]$/.test(call.args[index - 1] ?? '');
      });
      return call.args.includes('-d') ? 0 : copy({ ...call, args: paths });
    },
    cat(call) {
      for (const path of call.args) call.output.text += read(path, call);
      if (call.args.length === 0) call.output.text += rest(call.input);
      return 0;
    },
    grep(call) {
      return grep(call, (path) => read(path, call));
    },
    sort({ input, output, args }) {
      if (args.length > 0) throw new NotModelledError(`sort ${args.join(' ')}`);
      output.text += linesOf(rest(input)).sort().map(line).join('');
      return 0;
    },
    tail(call) {
      const [option = '', count = '', path] = call.args;
      if (option !== '-n') throw new NotModelledError(`tail ${call.args.join(' ')}`);
      const text = path === undefined ? rest(call.input) : read(path, call);
      call.output.text += linesOf(text).slice(-Number(count)).map(line).join('');
      return 0;
    },
    tr({ args: [from = '', to = ''], input, output }) {
      const known: Record<string, string> = { n: '\n', t: '\t', r: '\r' };
      const plain = (set: string) => set.replaceAll(/\\([ntr])/g, (_, key) => known[key] ?? '');
      const [keys, values] = [plain(from), plain(to)];
      if (keys.length !== values.length || /[-[\]]/.test(keys)) {
        throw new NotModelledError(`tr ${from} ${to}`);
      }
      for (const character of rest(input)) {
        output.text += values[keys.indexOf(character)] ?? character;
      }
      return 0;
    },
    cut({ args, input, output }) {
      const fields = /^-d(.) -f(\d)$/.exec(args.join(' '));
      const start = /^-c 1-(\d+)$/.exec(args.join(' '));
      if (fields === null && start === null) throw new NotModelledError(`cut ${args.join(' ')}`);
      for (const text of linesOf(rest(input))) {
        const kept = fields
          ? (text.split(fields[1] ?? '')[Number(fields[2]) - 1] ?? '')
          : text.slice(0, Number(start?.[1]));
        output.text += line(kept);
      }
      return 0;
    },
    sha256sum(call) {
      const [path = ''] = call.args;
      const content = machine.read(path);
      if (content === undefined) return refuse(call, `${path}: No such file or directory`);
      call.output.text += `${sha256(Buffer.from(content, 'latin1'))}  ${path}\n`;
      return 0;
    },
    date({ args: [format = ''], output }) {
      const seconds = Math.floor(now() / 1000);
      if (format === '+%s') output.text += `${seconds}\n`;
      else if (format === '+%s%N') output.text += `${Math.floor(now())}000000\n`;
      else throw new NotModelledError(`date ${format}`);
      return 0;
    },
    *sleep({ args: [seconds = ''] }): Waiting<number> {
      yield Number(seconds) * 1000;
      return 0;
    },
    timeout,
  };
  return new Map(Object.entries(programs));
}

/** Ends the program after its time; what it waits for beyond that does not happen. */
function* timeout({ args: [limit = '', ...command], run }: ProgramCall): Waiting<number> {
  let leftMs = Number(limit) * 1000;
  const running = run(command);
  for (let step = running.next(); ; step = running.next()) {
    if (step.done) return step.value;
    if (step.value > leftMs) {
      yield leftMs;
      return 124;
    }
    leftMs -= step.value;
    yield step.value;
  }
}

/** Expressions that mean the same in JavaScript; our scripts need no others. */
function grep(call: ProgramCall, read: (path: string) => string): number {
  const options = call.args.filter((word) => word.startsWith('-')).join('');
  if (/[^-Evqih]/.test(options)) throw new NotModelledError(`grep ${call.args.join(' ')}`);
  const [pattern = '', path] = call.args.filter((word) => !word.startsWith('-'));
  const isPlain = !/[()[\]{}+?|]/.test(pattern);
  if (/\\/.test(pattern) || (!isPlain && !options.includes('E'))) {
    throw new NotModelledError(`grep ${pattern}`);
  }
  const expression = new RegExp(pattern, options.includes('i') ? 'i' : '');
  const text = path === undefined ? rest(call.input) : read(path);
  const found = linesOf(text).filter((one) => expression.test(one) !== options.includes('v'));
  if (!options.includes('q')) call.output.text += found.map(line).join('');
  return found.length > 0 ? 0 : 1;
}

function refuse(call: ProgramCall, message: string): number {
  call.errors.text += `${message}\n`;
  return 1;
}

function linesOf(text: string): string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

function line(text: string): string {
  return `${text}\n`;
}
