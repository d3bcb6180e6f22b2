/** `plan` for people: edited fields with their effect, then what would be done and why. Pure. */
import type { FieldChange } from '../../crd/changes.ts';
import { describeFault } from '../../crd/fault.ts';
import type { UpdateEffect } from '../../crd/field.ts';
import { describePauses } from '../../crd/pause.ts';
import { cut, oneLine } from '../../lib/printable.ts';
import type { ClusterPlan, PausePlan, PlanReport, PlanStep } from '../plan-report.ts';
import type { Paint, Tone } from './color.ts';
import { type Cell, renderRows } from './table.ts';

const effectText: Record<UpdateEffect, Cell> = {
  live: { text: 'live: applied to the running cluster', tone: 'good' },
  rolling: { text: 'rolling: new VMs, pool by pool, drained first', tone: 'warn' },
  immutable: { text: 'immutable: refused, the old value stays', tone: 'bad' },
};

const marks: Record<PlanStep['effect'], { text: string; tone: Tone }> = {
  create: { text: '+', tone: 'good' },
  update: { text: '~', tone: 'warn' },
  delete: { text: '-', tone: 'bad' },
};

/** Whether the next round would do anything, or has been told something new. */
export function planHasChanges(report: PlanReport): boolean {
  return report.clusters.some(({ steps, changes }) => steps.length + changes.length > 0);
}

export function planText(report: PlanReport, paint: Paint): string[] {
  const clusters = report.clusters.flatMap((plan) => [...clusterText(plan, paint), '']);
  return [...clusters, summary(report)];
}

/** For stderr: what is wrong with the manifests themselves. */
export function planFaults(report: PlanReport): string[] {
  const untrusted = report.untrusted === undefined ? [] : [oneLine(report.untrusted)];
  return [...untrusted, ...report.faults.map((fault) => oneLine(describeFault(fault)))];
}

function clusterText(plan: ClusterPlan, paint: Paint): string[] {
  const intent = { create: ' (new)', keep: '', delete: ' (deleted)' }[plan.intent];
  const title = paint(`cluster/${plan.name}`, 'bold') + intent;
  const { paused, steps, changes, blockers } = plan;
  if (paused === undefined && steps.length + changes.length + blockers.length === 0) {
    return [`${title}: nothing to do`];
  }
  return [
    title,
    ...table(changes.map(changeRow), paint),
    ...(paused ? pauseText(paused, paint) : table(steps.map(stepRow), paint)),
    ...table(blockers.map(blockerRow), paint),
  ];
}

/** What waits does not have the mark of what is done. */
function pauseText({ by, toGoOn, steps }: PausePlan, paint: Paint): string[] {
  const rows = steps.map((step) => stepRow(step).with(0, { text: 'then:', tone: 'dim' }));
  return [
    `  ${paint('paused', 'warn')} ${describePauses(by)}: nothing is done; to go on: ${toGoOn}`,
    ...table(rows, paint),
  ];
}

function changeRow(change: FieldChange): Cell[] {
  return [change.path, `${value(change.from)} -> ${value(change.to)}`, effectText[change.effect]];
}

function stepRow(step: PlanStep): Cell[] {
  return [marks[step.effect], step.node ?? '(shared)', step.action, `because ${step.why}`];
}

function blockerRow(blocker: ClusterPlan['blockers'][number]): Cell[] {
  const mark: Cell = blocker.waiting ? { text: '…', tone: 'dim' } : { text: '!', tone: 'bad' };
  return [mark, blocker.node ?? '(cluster)', blocker.reason, blocker.message];
}

function table(rows: Cell[][], paint: Paint): string[] {
  return renderRows(rows, { paint }).map((line) => `  ${line}`);
}

function value(json: unknown): string {
  if (json === undefined) return '(none)';
  return cut(typeof json === 'string' ? json : JSON.stringify(json), 60);
}

function summary(report: PlanReport): string {
  const steps = report.clusters.flatMap((plan) => plan.steps);
  const count = (effect: PlanStep['effect']) =>
    steps.filter((step) => step.effect === effect).length;
  const changed = `${count('create')} to create, ${count('update')} to change`;
  const counts = `${changed}, ${count('delete')} to delete`;
  const clusters =
    report.clusters.length === 1 ? '1 cluster' : `${report.clusters.length} clusters`;
  const paused = report.clusters.filter((plan) => plan.paused).length;
  return `Next round of ${clusters}: ${counts}${paused > 0 ? `; ${paused} paused` : ''}.`;
}
