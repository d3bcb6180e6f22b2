/** Runs the search of one surface in a child process, and ends it when it hangs. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { saveCrash } from './corpus.ts';
import type { Covered } from './coverage.ts';
import { lastNoted } from './noted.ts';
import { surfaceNamed } from './surfaces.ts';

export interface Order {
  surface: string;
  seed: number;
  seconds: number;
  noteFile: string;
  /** Write what was learnt to the committed corpus. */
  keep: boolean;
}

export interface Report {
  executions: number;
  seconds: number;
  corpus: number;
  covered: Covered;
  failures: { file: string; message: string }[];
}

const hangMs = 20_000;
const heapMiB = 256;
const worker = fileURLToPath(new URL('./worker.ts', import.meta.url));

export async function supervised(order: Omit<Order, 'noteFile'>): Promise<Report> {
  const directory = mkdtempSync(join(tmpdir(), 'benchcluster-fuzz-'));
  const noteFile = join(directory, 'input');
  writeFileSync(noteFile, '');
  const child = fork(worker, [JSON.stringify({ ...order, noteFile })], {
    execArgv: [`--max-old-space-size=${heapMiB}`, '--stack-trace-limit=20'],
  });
  let report: Report | undefined;
  child.once('message', (message) => {
    report = message as Report;
  });
  let hangs = false;
  let known = { count: -1, at: performance.now() };
  const watch = setInterval(() => {
    const count = lastNoted(noteFile)?.count ?? -1;
    if (count !== known.count) known = { count, at: performance.now() };
    hangs = report === undefined && performance.now() - known.at > hangMs;
    if (hangs) child.kill('SIGKILL');
  }, 500);
  try {
    const [code, signal] = await once(child, 'exit');
    if (report !== undefined) return report;
    const reason = hangs ? `hangs for ${hangMs / 1000} s` : `ends its process (${signal ?? code})`;
    return ended(order.surface, noteFile, reason);
  } finally {
    clearInterval(watch);
    rmSync(directory, { recursive: true, force: true });
  }
}

function ended(name: string, noteFile: string, reason: string): Report {
  const last = lastNoted(noteFile);
  const surface = surfaceNamed(name);
  const file = last === undefined ? '(before the first input)' : saveCrash(surface, last.bytes);
  const covered = { functions: 0, branches: 0, branchesKnown: 0 };
  const failures = [{ file, message: reason }];
  return { executions: last?.count ?? 0, seconds: 0, corpus: 0, covered, failures };
}
