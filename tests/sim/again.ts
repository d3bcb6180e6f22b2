/** The line that has a run again, as it is printed and as it is typed. */

export const again = {
  seed: (seed: number) => `npm run sim -- --seed ${seed}`,
  recorded: (file: string) => `npm run sim -- --replay ${file}`,
  plan: (kind: string, number: number, workload: string) =>
    `npm run sim -- --plan "${kind} ${number} ${workload}"`,
  pair: (name: string) => `npm run sim -- --pair "${name}"`,
  seeds: (from: number, count: number) => `npm run sim -- --seeds ${count} --from ${from}`,
  elsewhere: (seed: number) => `npm run sim -- elsewhere --from ${seed}`,
};
