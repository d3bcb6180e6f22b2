/**
 * Shows the updates of a running controller until it ends: live on a terminal, line by line
 * elsewhere. `run` and the demo both use it; what a line says is decided in `view/progress.ts`.
 */
import { describeFault } from '../crd/fault.ts';
import type { ClusterStatus } from '../crd/status.ts';
import type { Clock } from '../lib/clock.ts';
import { cut, oneLine } from '../lib/printable.ts';
import type { Terminal } from './context.ts';
import type { ControllerUpdate } from './running-controller.ts';
import type { Paint } from './view/color.ts';
import { LiveScreen } from './view/live-screen.ts';
import { progressFrame, progressLines } from './view/progress.ts';

export interface ProgressView {
  update(update: ControllerUpdate): void;
  /** Lines of somebody else that should stay visible. */
  print(lines: readonly string[]): void;
  close(): void;
}

/** How often elapsed times are redrawn on a terminal. */
const tickMs = 1000;

/** A heading stays at the top of the live block. */
export function createProgressView(
  terminal: Terminal,
  clock: Clock,
  paint: Paint,
  heading?: string,
): ProgressView {
  const statuses = new Map<string, ClusterStatus>();
  const screen = terminal.isTTY ? new LiveScreen(terminal) : undefined;
  const print = (lines: readonly string[]) => {
    if (screen !== undefined) screen.print(lines);
    else for (const line of lines) terminal.write(`${line}\n`);
  };
  const draw = () => {
    const { columns, rows } = terminal.size();
    const top =
      heading === undefined ? [] : [paint(cut(heading, Math.max(1, columns - 1)), 'warn')];
    const room = Math.floor((rows - top.length) / Math.max(1, statuses.size));
    const options = { now: clock.now(), columns, rows: room, paint };
    const frames = [...statuses].map(([name, status]) => progressFrame(name, status, options));
    screen?.draw([...top, ...frames.flat()]);
  };
  let cancelTick = () => {};
  const tick = () => {
    draw();
    cancelTick = clock.after(tickMs, tick);
  };
  if (screen !== undefined) tick();
  return {
    update: (update) => {
      print(applyUpdate(statuses, update, clock.now(), screen === undefined));
      draw();
    },
    print,
    close: () => cancelTick(),
  };
}

/** Takes the update in and returns the lines to print for it. */
function applyUpdate(
  statuses: Map<string, ClusterStatus>,
  update: ControllerUpdate,
  now: number,
  everyChange: boolean,
): string[] {
  if (update.kind === 'source') return sourceLines(update);
  const name =
    update.namespace === 'default' ? update.cluster : `${update.namespace}/${update.cluster}`;
  if (update.kind === 'removed') {
    statuses.delete(name);
    return [`${name}: removed, nothing of it is left`];
  }
  const previous = statuses.get(name);
  statuses.set(name, update.status);
  // The live block shows the nodes itself.
  return everyChange ? progressLines(name, previous, update.status, now) : [];
}

function sourceLines(update: Extract<ControllerUpdate, { kind: 'source' }>): string[] {
  const reason = update.reason === undefined ? [] : [`manifests: ${oneLine(update.reason)}`];
  return [...reason, ...update.faults.map((fault) => oneLine(describeFault(fault)))];
}
