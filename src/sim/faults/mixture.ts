/** Each seed has its own mixture of faults: many kinds off, the others at rates of their own. */
import { between, type Choice } from '../choice.ts';
import { type FaultName, faultKinds, type Mixture } from './kinds.ts';

/** A third of the kinds; the swarm sees the others in other seeds, and in other company. */
export function chosenMixture(choice: Choice): Mixture {
  const rates = new Map<FaultName, number>();
  for (const { name, atMost } of faultKinds) {
    const isOn = choice.choose(3, `with ${name}`) === 2;
    if (isOn) rates.set(name, between(choice, 1, atMost, `rate of ${name}`));
  }
  return rates;
}
