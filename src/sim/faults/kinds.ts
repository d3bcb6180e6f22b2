/**
 * The kinds of faults that a simulated world knows, by their rows in the fault matrix. A kind is
 * switched on with a rate; where it strikes is told by its place. What no kind here can do by its
 * nature (several controllers, an API server) is not in the list.
 */

export type Place =
  /** The process of the controller, at each effect. */
  | 'process'
  /** A call that reads from a host, or that writes to it. */
  | 'read'
  | 'write'
  /** An event of a host on its way to the controller. */
  | 'event'
  /** A command in a guest. */
  | 'command'
  /** The world by itself, now and then. */
  | 'accident';

export interface FaultKind {
  /** Row of the matrix, and its name. */
  row: string;
  name: string;
  place: Place;
  /** At most so often, of 1,000 calls, events or moments. */
  atMost: number;
}

function kindsAt<const Name extends string>(
  place: Place,
  atMost: number,
  rows: Record<Name, string>,
): { row: string; name: Name; place: Place; atMost: number }[] {
  const names = Object.keys(rows) as Name[];
  return names.map((name) => ({ row: rows[name], name, place, atMost }));
}

export const faultKinds = [
  ...kindsAt('process', 60, { diesBefore: 'A1', diesAfter: 'A2' }),
  ...kindsAt('read', 60, {
    readFails: 'A35',
    readHangs: 'A34',
    connectionReset: 'A33',
    oldListing: 'A12',
  }),
  ...kindsAt('read', 10, { timeTravel: 'A11' }),
  ...kindsAt('write', 150, {
    refused: 'A32',
    answerLost: 'A31',
    writeHangs: 'A34',
    slowWrite: 'A34',
    poolFull: 'A39',
    uploadCut: 'A40',
    poolBusy: 'A41',
  }),
  ...kindsAt('event', 300, { eventLost: 'A13', eventTwice: 'A19', eventLate: 'A19' }),
  ...kindsAt('command', 120, {
    commandNotSent: 'A49',
    commandAnswerLost: 'A50',
    commandExits: 'A49',
    commandSlow: 'A49',
    outputCut: 'A49',
  }),
  ...kindsAt('accident', 400, {
    hostAway: 'A44',
    eventsDead: 'A16',
    ioErrorPause: 'A38',
    guestCrash: 'A38',
    guestPowerOff: 'A38',
    guestSuspends: 'A38',
    humanDestroy: 'A38',
    guestReset: 'A53',
    unseenReset: 'A14',
    guestSilent: 'A53',
    guestHangs: 'A53',
    humanUndefine: 'A37',
    humanStripsMark: 'A37',
    humanEdits: 'A37',
    networkStopped: 'A37',
    poolStopped: 'A39',
    foreignDomain: 'A36',
    oldVolume: 'A42',
    hostRestored: 'A45',
    hostKeyChanged: 'A48',
    clockJumps: 'A66',
    leaseLost: 'A47',
    leaseSwapped: 'A46',
    stateFull: 'A21',
    sourceUnreadable: 'A23',
    sourceAwayForLong: 'A30',
    manyFilesGo: 'A29',
    fileBroken: 'A27',
    fileUnsettled: 'A22',
    drainLost: 'A54',
    humanUndrains: 'A55',
    humanDrains: 'A55',
    endlessJob: 'A56',
    newJob: 'A57',
    headSilent: 'A58',
    nodeReRegisters: 'A60',
  }),
];

export type FaultName = (typeof faultKinds)[number]['name'];

/** How often of 1,000; what is not in it does not happen. */
export type Mixture = ReadonlyMap<FaultName, number>;
