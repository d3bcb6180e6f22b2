/**
 * `confirm`: shows what the breaker against mass deletion holds, and lets it go. What is confirmed
 * is a revision: exactly what was shown, and nothing that the source takes away later.
 */
import { type Command, Option } from 'commander';
import { describeRemoval, summaryOf } from '../../controllers/bench-cluster/hold-back.ts';
import { nodesIn, revisionOf } from '../../controllers/bench-cluster/removal.ts';
import type { DeletionLedger, HeldRemoval } from '../../controllers/ports.ts';
import type { Call } from '../call.ts';
import { CliError } from '../cli-error.ts';
import { exitCodes } from '../exit-code.ts';
import { startCommand } from '../freshness.ts';
import type { Register } from '../program.ts';
import type { StateView } from '../state-view.ts';
import { printAge } from '../view/age.ts';
import { renderTable } from '../view/table.ts';

interface ConfirmOptions {
  revision?: string;
  yes?: true;
}

export function addConfirm(root: Command, register: Register): void {
  const confirm = root
    .command('confirm')
    .description('Show what is held from mass deletion, and let it go; exit code 2: it waits.')
    .addOption(
      new Option('--revision <revision>', 'confirm exactly that: of all, or of one cluster'),
    )
    .option('-y, --yes', 'confirm all that is held now');
  register(confirm, runConfirm);
}

async function runConfirm(call: Call): Promise<number> {
  const { revision, yes } = call.options<ConfirmOptions>();
  const state = await call.context.openState(call.globals.state);
  try {
    const ledger = await state.deletionLedger();
    if (revision === undefined && ledger.held.length === 0) {
      call.note('nothing is held');
      return exitCodes.ok;
    }
    if (revision === undefined && yes !== true) {
      show(call, ledger);
      return exitCodes.planHasChanges;
    }
    const shown = revision ?? revisionOf(ledger.held);
    const confirmed = heldAs(shown, ledger.held);
    await state.confirm(shown);
    const what = confirmed.map((each) => `${each.cluster} (${describeRemoval(each)})`);
    call.print(...what.map((each) => `confirmed: ${each}`));
    await noteNext(call, state);
    return exitCodes.ok;
  } finally {
    await state.close();
  }
}

function show(call: Call, ledger: DeletionLedger): void {
  const now = call.now();
  const rows = ledger.held.map((each) => [
    each.cluster,
    each.deletes ? 'deleted' : 'smaller',
    describeRemoval(each),
    String(nodesIn([each])),
    printAge(each.since, now),
    revisionOf([each]),
  ]);
  const titles = ['CLUSTER', 'WOULD BE', 'LOSES', 'NODES', 'HELD', 'REVISION'];
  const { text, revision } = summaryOf(ledger);
  call.print(...renderTable(titles, rows, { paint: call.paint }), '', `In all ${text}.`);
  call.note(`if that is meant: benchctl confirm --revision ${revision}`);
  call.note('if not, write the manifests as they were: what is put back is not held any more');
}

/** Everything that is held, or the part of one cluster. */
function heldAs(revision: string, held: HeldRemoval[]): HeldRemoval[] {
  if (held.length > 0 && revisionOf(held) === revision) return held;
  const one = held.filter((each) => revisionOf([each]) === revision);
  if (one.length > 0) return one;
  const what = `nothing that is held has the revision ${revision}`;
  throw new CliError('notFound', what, 'look at what is held now: benchctl confirm');
}

async function noteNext(call: Call, state: StateView): Promise<void> {
  const life = await state.controller();
  call.note(
    life.running
      ? 'see it go: benchctl get clusters -A'
      : `the controller is not running; it goes on when run: ${startCommand(call)}`,
  );
}
