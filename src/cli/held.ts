/** What the breaker against mass deletion holds, as commands tell it. */
import { summaryOf } from '../controllers/bench-cluster/hold-back.ts';
import type { Call } from './call.ts';
import type { StateView } from './state-view.ts';

/** A remark on stderr that something waits for a person, with what to type. */
export async function noteHeld(call: Call, state: StateView): Promise<void> {
  const ledger = await state.deletionLedger();
  if (ledger.held.length === 0) return;
  call.note(`held until a person confirms: ${summaryOf(ledger).text}; see: benchctl confirm`);
}
