/**
 * Whether a piece of guest work is to be started, waited for, or has failed and rests.
 * Work is a transient unit whose name is a digest of what it does, so a change makes a new one.
 * A unit that has succeeded is never run again under its name: when the world later contradicts
 * it, the same work runs under a name that also holds what was seen. Pure.
 */
import { digestOf } from '../../../lib/hash.ts';
import type { UnitView } from '../scheduler.ts';

export interface Work {
  /** Such as `slurm-join`; the digest is appended. */
  family: string;
  /** Files and script. */
  content: unknown;
  /** What contradicts an earlier success; another value permits another run. */
  evidence: unknown;
}

export type WorkState =
  | { kind: 'running'; unit: string }
  | { kind: 'due'; unit: string; failure?: string }
  | { kind: 'resting'; unit: string; failure: string; retryAt: number };

/** 5 s, 10 s, 20 s … 5 min. */
const firstDelayMs = 5_000;
const longestDelayMs = 300_000;
/** Failures longer ago count no more. */
const memorySeconds = 3_600;

export function workState(work: Work, units: UnitView[], now: number): WorkState {
  const family = units
    .map((unit) => ({ ...unit, name: shortName(unit.name) }))
    .filter(({ name }) => name.startsWith(`${work.family}-`));
  const running = family.find(({ activeState }) => activeState === 'activating');
  if (running) return { kind: 'running', unit: running.name };
  const base = `${work.family}-${digestOf(work.content).slice(0, 12)}`;
  const hasSucceeded = family.some(({ name, ...unit }) => name === base && succeeded(unit));
  const unit = hasSucceeded ? `${base}-${digestOf(work.evidence).slice(0, 8)}` : base;
  const failures = family
    .filter((one) => one.activeState === 'failed' && (one.endedSecondsAgo ?? 0) < memorySeconds)
    .sort((a, b) => (a.endedSecondsAgo ?? 0) - (b.endedSecondsAgo ?? 0));
  const [last] = failures;
  if (last === undefined) return { kind: 'due', unit };
  const failure = lastLines(last);
  const attempts = failures.reduce((sum, { attempts }) => sum + Math.max(1, attempts), 0);
  const delayMs = Math.min(longestDelayMs, firstDelayMs * 2 ** Math.min(10, attempts - 1));
  const restMs = delayMs - (last.endedSecondsAgo ?? 0) * 1000;
  // A change of what is to be done is not kept waiting for the failure of something else.
  if (restMs <= 0 || !last.name.startsWith(base)) return { kind: 'due', unit, failure };
  return { kind: 'resting', unit, failure, retryAt: now + Math.ceil(restMs) };
}

function shortName(name: string): string {
  return name.replace(/^benchcluster-/, '').replace(/\.service$/, '');
}

function succeeded(unit: Omit<UnitView, 'name'>): boolean {
  return unit.activeState === 'active' && unit.result === 'success';
}

function lastLines(unit: UnitView): string {
  const tail = unit.journalTail.replaceAll(/[^\P{Cc}\n]/gu, ' ').trim();
  return tail === '' ? `exit status ${unit.exitStatus} (${unit.result})` : tail.slice(-1000);
}
