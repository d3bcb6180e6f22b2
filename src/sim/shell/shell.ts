/**
 * Runs our own scripts as /bin/sh would, on a machine that is only modelled: the language is real,
 * files and programs are the machine's. A word, command or program that is not modelled throws
 * `NotModelledError`. Nothing is guessed, so what passes here was really asked for.
 */
import { builtin } from './builtins.ts';
import { Expansion } from './expand.ts';
import type { ProgramCall, ShellMachine, Streams, Waiting } from './machine.ts';
import { matches } from './pattern.ts';
import { redirected } from './redirect.ts';
import { type Job, Leave, type State } from './state.ts';
import { type Command, type ListItem, NotModelledError, type Script } from './syntax.ts';

/** How often `wait` looks. */
const waitLookMs = 20;

/** Runs a script to its end; gives its exit status. `args` are `$0`, `$1` and so on. */
export function* runShell(
  script: Script,
  machine: ShellMachine,
  streams: Streams,
  args: string[] = ['sh'],
): Waiting<number> {
  const jobs: Job[] = [];
  const shell = new Shell(machine, {
    variables: new Map([['PATH', '/usr/sbin:/usr/bin']]),
    functions: new Map(),
    args,
    status: 0,
    stopsOnFailure: false,
    stopsOnUnset: false,
    errors: streams.errors,
    jobs,
    tested: 0,
  });
  const work = shell.whole(script, streams);
  for (let step = work.next(); ; step = work.next()) {
    if (step.done) return step.value;
    yield* beside(jobs, step.value);
  }
}

/** Time passes for the script and for all that runs beside it. */
function* beside(jobs: Job[], milliseconds: number): Waiting<void> {
  let leftMs = milliseconds;
  for (;;) {
    const next = Math.min(leftMs, ...jobs.map((job) => job.leftMs));
    if (next > 0) yield next;
    leftMs -= next;
    for (const job of [...jobs]) {
      job.leftMs -= next;
      if (job.leftMs > 0) continue;
      const step = job.work.next();
      if (step.done) jobs.splice(jobs.indexOf(job), 1);
      else job.leftMs = step.value;
    }
    if (leftMs <= 0) return;
  }
}

class Shell {
  readonly #machine: ShellMachine;
  readonly #state: State;
  readonly #expand: Expansion;

  constructor(machine: ShellMachine, state: State) {
    this.#machine = machine;
    this.#state = state;
    this.#expand = new Expansion({
      value: (name) => this.#value(name),
      unset: () => {
        if (state.stopsOnUnset) throw new Leave('script', 2);
        return '';
      },
      output: (script) => this.#output(script),
    });
  }

  /** A script or subshell: `exit` ends here. */
  *whole(script: Script, streams: Streams): Waiting<number> {
    try {
      return yield* this.#list(script, streams);
    } catch (thrown) {
      if (thrown instanceof Leave) return thrown.status;
      throw thrown;
    }
  }

  *#list(script: Script, streams: Streams): Waiting<number> {
    const state = this.#state;
    let status = 0;
    for (const item of script.items) {
      if (item.background) {
        const body = { items: [{ ...item, background: false }] };
        state.jobs.push({ work: this.#child().whole(body, streams), leftMs: 0 });
        continue;
      }
      if ((item.after === '&&' && status !== 0) || (item.after === '||' && status === 0)) continue;
      const isTested = item.tested || item.negated;
      if (isTested) state.tested += 1;
      status = yield* this.#pipeline(item, streams);
      if (isTested) state.tested -= 1;
      if (item.negated) status = status === 0 ? 1 : 0;
      state.status = status;
      if (status !== 0 && !isTested && state.tested === 0 && state.stopsOnFailure) {
        throw new Leave('script', status);
      }
    }
    return status;
  }

  *#pipeline({ commands }: ListItem, streams: Streams): Waiting<number> {
    const [first] = commands;
    if (first && commands.length === 1) return yield* this.#command(first, streams);
    let { input } = streams;
    let status = 0;
    for (const [index, command] of commands.entries()) {
      const isLast = index === commands.length - 1;
      const output = isLast ? streams.output : { text: '' };
      const alone = { negated: false, background: false, tested: false } as const;
      const body: Script = { items: [{ after: ';', ...alone, commands: [command] }] };
      status = yield* this.#child().whole(body, { ...streams, input, output });
      input = { text: output.text, at: 0 };
    }
    return status;
  }

  *#command(command: Command, streams: Streams): Waiting<number> {
    if (command.redirects.length === 0) return yield* this.#body(command, streams);
    const inside = yield* redirected(command.redirects, streams, this.#machine, this.#expand);
    if (inside === undefined) return 1;
    const status = yield* this.#body(command, inside.streams);
    inside.close();
    return status;
  }

  *#body(command: Command, streams: Streams): Waiting<number> {
    switch (command.kind) {
      case 'simple':
        return yield* this.#simple(command, streams);
      case 'group':
        return yield* this.#list(command.body, streams);
      case 'subshell':
        return yield* this.#child().whole(command.body, streams);
      case 'function':
        this.#state.functions.set(command.name, command.body);
        return 0;
      case 'if': {
        for (const { condition, body } of command.branches) {
          if ((yield* this.#condition(condition, streams)) === 0) {
            return yield* this.#list(body, streams);
          }
        }
        return command.otherwise ? yield* this.#list(command.otherwise, streams) : 0;
      }
      case 'loop': {
        let status = 0;
        while (((yield* this.#condition(command.condition, streams)) === 0) !== command.until) {
          status = yield* this.#list(command.body, streams);
        }
        return status;
      }
      case 'for': {
        let status = 0;
        for (const value of yield* this.#expand.words(command.words)) {
          this.#state.variables.set(command.name, value);
          status = yield* this.#list(command.body, streams);
        }
        return status;
      }
      case 'case': {
        const value = yield* this.#expand.text(command.word);
        for (const { patterns, body } of command.branches) {
          for (const pattern of patterns) {
            if (matches(value, yield* this.#expand.pieces(pattern))) {
              return yield* this.#list(body, streams);
            }
          }
        }
        return 0;
      }
    }
  }

  *#condition(script: Script, streams: Streams): Waiting<number> {
    this.#state.tested += 1;
    const status = yield* this.#list(script, streams);
    this.#state.tested -= 1;
    return status;
  }

  *#simple(command: Command & { kind: 'simple' }, streams: Streams): Waiting<number> {
    const state = this.#state;
    state.status = command.words.length === 0 ? 0 : state.status;
    const set = new Map<string, string>();
    for (const [name, word] of command.assignments) set.set(name, yield* this.#expand.text(word));
    const [name, ...args] = yield* this.#expand.words(command.words);
    if (name === undefined) {
      for (const [key, value] of set) state.variables.set(key, value);
      return state.status;
    }
    const body = state.functions.get(name);
    if (body !== undefined) {
      const before = [...set.keys()].map((key) => [key, state.variables.get(key)] as const);
      for (const [key, value] of set) state.variables.set(key, value);
      const status = yield* this.#function(body, args, streams);
      for (const [key, value] of before) {
        if (value === undefined) state.variables.delete(key);
        else state.variables.set(key, value);
      }
      return status;
    }
    if (name === 'wait') {
      while (state.jobs.length > 0) yield waitLookMs;
      return 0;
    }
    const status = builtin(name, args, { state, machine: this.#machine, streams });
    if (status !== undefined) return status;
    return yield* this.#program([name, ...args], set, streams);
  }

  *#function(body: Command, args: string[], streams: Streams): Waiting<number> {
    const before = this.#state.args;
    this.#state.args = [before[0] ?? 'sh', ...args];
    try {
      return yield* this.#command(body, streams);
    } catch (thrown) {
      if (thrown instanceof Leave && thrown.what === 'function') return thrown.status;
      throw thrown;
    } finally {
      this.#state.args = before;
    }
  }

  *#program(words: string[], set: Map<string, string>, streams: Streams): Waiting<number> {
    const [name = '', ...args] = words;
    const program = this.#machine.program(name.slice(name.lastIndexOf('/') + 1));
    if (program === undefined) throw new NotModelledError(`program ${words.join(' ')}`);
    const call: ProgramCall = {
      args,
      ...streams,
      environment: (key) => set.get(key) ?? this.#state.variables.get(key),
      run: (inner) => this.#program(inner, set, streams),
    };
    const result = program(call);
    return typeof result === 'number' ? result : yield* result;
  }

  #value(name: string): string | undefined {
    if (name === '?') return String(this.#state.status);
    if (name === '#') return String(this.#state.args.length - 1);
    if (/^\d$/.test(name)) return this.#state.args[Number(name)];
    if (!/^\w/.test(name)) throw new NotModelledError(`$${name}`);
    return this.#state.variables.get(name);
  }

  *#output(script: Script): Waiting<string> {
    const output = { text: '' };
    const streams = { input: { text: '', at: 0 }, output, errors: this.#state.errors };
    this.#state.status = yield* this.#child().whole(script, streams);
    return output.text.replace(/\n+$/, '');
  }

  #child(): Shell {
    const state = this.#state;
    return new Shell(this.#machine, {
      ...state,
      variables: new Map(state.variables),
      functions: new Map(state.functions),
    });
  }
}
