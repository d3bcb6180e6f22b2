/**
 * Mistakes that somebody could make in the controller, each of which some net must catch. A mutant
 * is one text in one file, replaced. When a text has changed, the mutant is stale: write the
 * mistake anew for the code as it is.
 */

export interface Mutant {
  /** The mistake. */
  name: string;
  file: string;
  /** There exactly once. */
  from: string;
  to: string;
  /** Of `nets.ts`: the net that is expected to catch it. */
  net: string;
  /** What it must say; the id of an invariant, or `never` for a life that does not end well. */
  says: string;
}

export const staleExitCode = 86;

const cluster = 'src/controllers/bench-cluster';
const slurm = 'src/controllers/schedulers/slurm';

export const mutants: Mutant[] = [
  {
    name: 'marks of other installations count as ours',
    file: `${cluster}/inventory-index.ts`,
    from: 'if (node) append(marked, `${installation}/${node.clusterUid}`, domain);',
    to: `const ours = domains.find(({ owner }) => owner?.node)?.owner?.installation ?? installation;
    if (node) append(marked, ours + '/' + node.clusterUid, { ...domain, uuid: domain.uuid });`,
    net: 'strangers',
    says: 'S1',
  },
  {
    name: 'parts of all installations have one name',
    file: 'src/lib/part-name.ts',
    from: '`${image}.${installation.slice(0, 8)}.part`',
    to: '`${image}.${installation.slice(-8)}.part`.replace(/[0-9a-f]{8}.part$/, "0badc0de.part")',
    net: 'a neighbour uploads',
    says: 'never',
  },
  {
    name: 'a cluster takes the parts of others with its image',
    file: `${cluster}/stages/cleanup.ts`,
    from: 'item.name === part);',
    to: '(part && item.name.startsWith(name)));',
    net: 'a neighbour uploads',
    says: 'never',
  },
  {
    name: 'the janitor takes whichever part there is',
    file: `${cluster}/orphans.ts`,
    from: 'if (final === undefined || name !== partOf(final, wanted.installation)) return [];',
    to: 'if (final === undefined || name === partOf(final, "")) return [];',
    net: 'a neighbour uploads',
    says: 'S1',
  },
  {
    name: 'the janitor takes what it sees first',
    file: `${cluster}/janitor.ts`,
    from: 'return count >= leastSightings && now - first >= leastAgeMs;',
    to: 'return count + first > leastSightings - leastAgeMs - now;',
    net: 'leftovers',
    says: 'never',
  },
  {
    name: 'the janitor believes a source that cannot be read',
    file: `${cluster}/janitor.ts`,
    from: 'return isSure ? snapshot : undefined;',
    to: 'return isSure ? snapshot : { ...snapshot };',
    net: 'leftovers',
    says: 'never',
  },
  {
    name: 'the UUID of a domain is not compared',
    file: `${cluster}/inventory-index.ts`,
    from: 'const isOwned = domain.uuid === nodeUuid(uid, domain.name);',
    to: 'const isOwned = domain.uuid !== "" || nodeUuid(uid, domain.name) !== "";',
    net: 'strangers',
    says: 'S1',
  },
  {
    name: 'a foreign volume under our name is taken for an old disk',
    file: `${cluster}/stages/present.ts`,
    from: 'if (!ours) {',
    to: 'if (!ours && node.role === "controlPlane") {',
    net: 'foreign names',
    says: 'S1',
  },
  {
    name: 'a drain is remembered',
    file: `${cluster}/plan.ts`,
    from: 'const verdict = joined.verdicts.get(node.name);',
    to: `const was = observed.previous?.nodes.find(({ name }) => name === node.name)?.phase;
    const verdict = was === 'Draining'
      ? ({ kind: 'drained', message: 'it was' } as const) : joined.verdicts.get(node.name);`,
    net: 'shrink with a job',
    says: 'S3',
  },
  {
    name: 'no view means that nothing runs',
    file: `${cluster}/plan.ts`,
    from: 'const verdict = joined.verdicts.get(node.name);',
    to: `const verdict = observed.scheduler.view === undefined
      ? ({ kind: 'drained', message: 'nobody answers' } as const) : joined.verdicts.get(node.name);`,
    net: 'shrink while the head is silent',
    says: 'S3',
  },
  {
    name: 'a node is powered off while it drains',
    file: `${cluster}/stages/removal.ts`,
    from: "if (verdict?.kind !== 'drained' && verdict?.kind !== 'absent')",
    to: "if (verdict?.kind === 'ready')",
    net: 'shrink with a job',
    says: 'S3',
  },
  {
    name: 'jobs on a drained node do not count',
    file: `${slurm}/leave.ts`,
    from: 'if (!isBusy(view, record)) return',
    to: 'if (view !== undefined) return',
    net: 'shrink with a job',
    says: 'S3',
  },
  {
    name: 'what the scheduler said counts for as long as the host takes to list',
    file: `${cluster}/observe.ts`,
    from: 'const isOld = answer.at !== undefined && !ports.guests.isFresh(answer.at);',
    to: 'const isOld = false;',
    net: 'a job while the host is slow to list',
    says: 'S3',
  },
  {
    name: 'the deadline of a drain is at once',
    file: `${cluster}/desired.ts`,
    from: 'timeoutMs: millisecondsOf(pool.drain.timeout),',
    to: 'timeoutMs: 0 * millisecondsOf(pool.drain.timeout),',
    net: 'force at the deadline',
    says: 'S3',
  },
  {
    name: 'the deadline of a drain never comes',
    file: `${slurm}/leave.ts`,
    from: 'if (scope.now < deadline) return undefined;',
    to: 'if (scope.now < Number.POSITIVE_INFINITY) return undefined;',
    net: 'force at the deadline',
    says: 'L1',
  },
  {
    name: 'every drain is taken for ours',
    file: `${slurm}/node-state.ts`,
    from: 'return node.reason?.text.startsWith(reasonPrefix) ?? false;',
    to: 'return node.reason !== undefined;',
    net: 'a drain by hand',
    says: 'L2',
  },
  {
    name: 'an untrusted source deletes',
    file: `${cluster}/catalog.ts`,
    from: 'if (!snapshot.trusted) {',
    to: 'if (snapshot.manifests.length > 1000) {',
    net: 'a source that is gone',
    says: 'S7',
  },
  {
    name: 'faults of another file do not count',
    file: `${cluster}/catalog.ts`,
    from: '...snapshot.faults.filter(({ object }) => object === undefined)',
    to: '...snapshot.faults.filter(({ object }) => object?.name === "")',
    net: 'a broken file',
    says: 'S7',
  },
  {
    name: 'the breaker never holds',
    file: `${cluster}/breaker.ts`,
    from: 'if (fresh.length === 0) return false;',
    to: 'if (fresh.length < 1000) return false;',
    net: 'files that vanish together',
    says: 'S8',
  },
  {
    name: 'a deletion counts from when it is believed',
    file: `${cluster}/breaker.ts`,
    from: 'return doubtedSince !== undefined && Math.abs(at - Date.parse(doubtedSince)) < limits.windowMs;',
    to: "return doubtedSince === '';",
    net: 'a file that vanishes while another breaks',
    says: 'S8',
  },
  {
    name: 'what is held goes with any confirmation',
    file: `${cluster}/breaker.ts`,
    from: 'if (confirmations.has(revisionOf(held))) return held;',
    to: 'if (confirmations.size > 0) return held;',
    net: 'a confirmation of something else',
    says: 'S8',
  },
  {
    name: 'half a file may take nodes away',
    file: `${cluster}/catalog.ts`,
    from: 'if (!settled && !onlyGrows(record, next)) return undecided();',
    to: '',
    net: 'half a file',
    says: 'S7',
  },
  {
    name: 'a request to delete is ignored',
    file: `${cluster}/catalog.ts`,
    from: 'const unproven = requested ? [] : doubts(snapshot, faults);',
    to: 'const unproven = doubts(snapshot, requested ? [] : faults);',
    net: 'a request while the source is gone',
    says: 'L5',
  },
  {
    name: 'a request to delete one cluster deletes another',
    file: `${cluster}/catalog.ts`,
    from: 'faults, now, requested.has(key));',
    to: 'faults, now, requested.size > 0);',
    net: 'a request while the source is gone',
    says: 'S7',
  },
  {
    name: 'a request that a manifest takes back is kept',
    file: `${cluster}/source-gate.ts`,
    from: 'if (now < since + requestGraceMs) this.#readAt(since + requestGraceMs);',
    to: 'if (now >= since) void requestGraceMs;',
    net: 'a request that was taken back',
    says: 'S7',
  },
  {
    name: 'a manifest that is back does not end a deletion',
    file: `${cluster}/catalog.ts`,
    from: 'const revived = record.deletionTimestamp !== undefined;',
    to: 'const revived = false;',
    net: 'a manifest that comes back',
    says: 'L1',
  },
  {
    name: 'former images are forgotten',
    file: `${cluster}/catalog.ts`,
    from: 'return former.length > 0 ? { formerArtifacts: former } : {};',
    to: 'return former.length > 1000 ? { formerArtifacts: former } : {};',
    net: 'another image, then deletion',
    says: 'S13',
  },
  {
    name: 'a record is not stored before it is acted on',
    file: `${cluster}/controller.ts`,
    from: 'await this.#ports.state.putCluster(entry.record);',
    to: 'if (!entry.record.deletionTimestamp) await this.#ports.state.putCluster(entry.record);',
    net: 'death in the midst of deletion',
    says: 'L5',
  },
  {
    name: 'the mark of a node goes before its disk',
    file: `${cluster}/stages/removal.ts`,
    from: "if (deleteVolume) return remove('its disk is deleted', deleteVolume);",
    to: "if (deleteVolume && !undefine) return remove('its disk is deleted', deleteVolume);",
    net: 'shrink with a job',
    says: 'S13',
  },
  {
    name: 'disks without a domain are forgotten',
    file: `${cluster}/scope.ts`,
    from: 'if (!isOverlayOfOurs(inventory, volume)) return [];',
    to: 'return [];',
    net: 'deletion in the midst of creation',
    says: 'S13',
  },
  {
    name: 'a network is removed that others use',
    file: `${cluster}/stages/cleanup.ts`,
    from: `if (observed.others.networks.has(name)) return;
  if (inventory.domains.some((domain) => domain.networks.includes(name))) return;`,
    to: '',
    net: 'two clusters',
    says: 'S1',
  },
  {
    name: 'an image is deleted that others use',
    file: `${cluster}/stages/cleanup.ts`,
    from: 'if (own.length === 0 || observed.others.artifacts.has(name)) continue;',
    to: `if (own.length === 0) continue;
    if (name.endsWith('qcow2')) {
      const action = { host: cluster.host, kind: 'deleteVolume', name } as const;
      cleanup.actions.push({ action, why: '' });
    }`,
    net: 'two clusters',
    says: 'S1',
  },
  {
    name: 'a plan for a spec that is over is carried out',
    file: `${cluster}/controller.ts`,
    from: 'return this.#abort.signal.aborted || this.#clusters.get(key)?.record !== record;',
    to: 'return this.#abort.signal.aborted || this.#clusters.get(key)?.record === undefined;',
    net: 'stale listings',
    says: 'never',
  },
  {
    name: 'a listing from before an effect is acted on after it',
    file: `${cluster}/operations.ts`,
    from: 'if ((this.#ends.get(lane) ?? this.#floor) > seen) return false;',
    to: '',
    net: 'removal by stale listings',
    says: 'never',
  },
  {
    name: 'an effect is started while it is under way',
    file: `${cluster}/operations.ts`,
    from: 'if (busy || this.#running.has(key) || this.#running.size >= this.#limit) return false;',
    to: '',
    net: 'a slow host',
    says: 'S16',
  },
  {
    name: 'what failed is tried again at once',
    file: `${cluster}/plan.ts`,
    from: 'if (failure.retryAt <= now) return true;',
    to: 'return true;',
    net: 'a host without a network',
    says: 'S16',
  },
  {
    name: 'what clusters share is tried again at once',
    file: `${cluster}/plan.ts`,
    from: 'if (failure.retryAt <= now) return true;',
    to: "if (failure.retryAt <= now || action.kind === 'createNetwork') return true;",
    net: 'a host without a network',
    says: 'S16',
  },
  {
    name: 'more nodes are replaced than the pool can spare',
    file: `${cluster}/rollout.ts`,
    from: `const budget = usable.length - (pool.replicas - pool.maxUnavailable);
    const useless = nodes.filter((node) => !usable.includes(node));
    const most = pool.maxUnavailable + pool.maxSurge;`,
    to: `const budget = usable.length;
    const useless = nodes.filter((node) => !usable.includes(node));
    const most = pool.replicas;`,
    net: 'rollout',
    says: 'S16',
  },
  {
    name: 'nodes are restarted while most of their cluster is ill',
    file: `${cluster}/health.ts`,
    from: 'const clusterShare = 0.4;',
    to: 'const clusterShare = 4;',
    net: 'half of a cluster hangs',
    says: 'S17',
  },
  {
    name: 'nodes are restarted while most of their host is silent',
    file: `${cluster}/health.ts`,
    from: 'const hostShare = 0.5;',
    to: 'const hostShare = 5;',
    net: 'most guests of a host hang',
    says: 'S17',
  },
  {
    name: 'the head is replaced like any other node',
    file: `${cluster}/rollout.ts`,
    from: "if (pool.role === 'controlPlane') continue;",
    to: '',
    net: 'a head of an earlier spec',
    says: 'S7',
  },
  {
    name: 'events of the host are not heard',
    file: `${cluster}/watched-hosts.ts`,
    from: 'this.#onChange(qualifiedName(host.metadata), domain),',
    to: 'void [qualifiedName(host.metadata), domain],',
    net: 'a power cut',
    says: 'never',
  },
  {
    name: 'a few clusters at a time have their rounds',
    file: `${cluster}/controller.ts`,
    from: 'workers: options.workers ?? 200,',
    to: 'workers: options.workers ?? 4,',
    net: 'a power cut beside silent heads',
    says: 'never',
  },
  {
    name: 'each round is an event',
    file: `${cluster}/write-status.ts`,
    from: '// Another round says the same, and may be storing it still.',
    to: `const event = { cluster: key, type: 'Normal', reason: 'AtRest', message: 'all is well' } as const;
      await state.appendEvent({ time: new Date(clock.now()).toISOString(), ...event });`,
    net: 'rest',
    says: 'L2',
  },
  {
    name: 'the status is written in every round',
    file: `${cluster}/write-status.ts`,
    from: 'if (isSame(status, before)) {',
    to: 'if (isSame(status, before) && before === undefined) {',
    net: 'rest',
    says: 'L4',
  },
  {
    name: 'since when a node is in its phase is lost',
    file: `${cluster}/status.ts`,
    from: 'const since = old?.phase === phase ? old.since : time;',
    to: 'const since = time;',
    net: 'rest',
    says: 'L4',
  },
  {
    name: 'a disk is deleted before the status says so',
    file: `${cluster}/effects.ts`,
    from: "(action.kind === 'deleteVolume' && node !== undefined)",
    to: 'node === ""',
    net: 'death with the disk of a head',
    says: 'L1',
  },
  {
    name: 'a listing that is given out again is another one',
    file: `${cluster}/sightings.ts`,
    from: 'return look.listing !== before.listing || look.at - before.at >= sharedMs;',
    to: 'return look.at > 0 && before.at >= 0;',
    net: 'an old listing',
    says: 'S3',
  },
  {
    name: 'one listing is enough where nobody contradicts it',
    file: `${cluster}/stages/scheduler.ts`,
    from: '!mayRun(node.domain) && !isUnsure(scope, node)',
    to: '!mayRun(node.domain) && (!isUnsure(scope, node) || before !== undefined)',
    net: 'an old listing',
    says: 'S3',
  },
  {
    name: 'a paused cluster is touched',
    file: `${cluster}/plan.ts`,
    from: 'actions: cluster.paused ? [] : due.actions,',
    to: 'actions: due.actions,',
    net: 'paused',
    says: 'S6',
  },
  {
    name: 'the namespace is not a part of identity',
    file: `${cluster}/desired.ts`,
    from: 'cluster/${namespace}/${name}',
    to: 'cluster/${name}',
    net: 'two namespaces',
    says: 'S1',
  },
  {
    name: 'all nodes have one MAC',
    file: `${cluster}/desired.ts`,
    from: 'mac: macOf(uuid),',
    to: 'mac: macOf(context.uid),',
    net: 'create',
    says: 'S1',
  },
  {
    name: 'a failed command is told with all that it was given',
    file: `${cluster}/execute.ts`,
    from: 'const tail = result.stderr.trim().slice(-400);',
    to: 'const tail = /[A-Za-z0-9+/=]{60,}/.exec(script)?.[0] ?? script;',
    net: 'a unit that fails',
    says: 'S12',
  },
  {
    name: 'the error of a failed command has all that the command was given',
    file: `${cluster}/execute.ts`,
    from: 'if (result.exitCode === 0) return;',
    to: `if (result.exitCode !== 0) {
      throw Object.assign(new PortError('failed', 'a command failed'), { input: script });
    }
    if (result.exitCode === 0) return;`,
    net: 'a unit that fails',
    says: 'S12',
  },
  {
    name: 'a broken file that is away for a moment is gone',
    file: 'src/drivers/manifest-set.ts',
    from: '(missing ? loaded.faults.length > 0 : broken.has(path))',
    to: '!missing && loaded.faults.length >= 0 && broken.has(path)',
    net: 'files that are away for a moment',
    says: 'S7',
  },
  {
    name: 'a file that is away for a moment is gone',
    file: 'src/drivers/watched-files.ts',
    from: 'if (!file.due) return;',
    to: '',
    net: 'files that are away for a moment',
    says: 'S7',
  },
];
