/** What a shell runs on: files and programs. Programs may take time, and then the shell waits. */

/** Milliseconds that pass; nothing else happens in this shell meanwhile. */
export type Wait = number;
export type Waiting<Result> = Generator<Wait, Result, void>;

/** Text that is read line by line, by one reader after the other. */
export interface Input {
  text: string;
  at: number;
}

/** Text that is written; two streams that were joined share one. */
export interface Output {
  text: string;
}

export interface Streams {
  input: Input;
  output: Output;
  errors: Output;
}

export interface ProgramCall extends Streams {
  args: string[];
  /** Exported or set for this one call. */
  environment: (name: string) => string | undefined;
  /** Runs another program with the same streams, as `timeout` does. */
  run: (args: string[]) => Waiting<number>;
}

/** The exit status. A program that takes time is a generator of it. */
export type Program = (call: ProgramCall) => number | Waiting<number>;

export interface ShellMachine {
  read(path: string): string | undefined;
  write(path: string, content: string): void;
  /** A file, or a directory with all in it. */
  remove(path: string): void;
  /** Undefined: this machine has no such program, or the model does not know it. */
  program(name: string): Program | undefined;
}

export function rest(input: Input): string {
  const text = input.at === 0 ? input.text : input.text.slice(input.at);
  input.at = input.text.length;
  return text;
}
