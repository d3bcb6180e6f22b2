/** The names of all parameters of slurm.conf that Slurm 22.05 knows; it refuses every other. */
export const parameterNames = new Set(
  `AccountingStorageBackupHost AccountingStorageEnforce AccountingStorageExternalHost
  AccountingStorageHost AccountingStorageParameters AccountingStoragePass AccountingStoragePort
  AccountingStorageTRES AccountingStorageType AccountingStorageUser AccountingStoreFlags
  AcctGatherEnergyType AcctGatherFilesystemType AcctGatherInterconnectType AcctGatherNodeFreq
  AcctGatherProfileType AllocNodes AllowAccounts AllowGroups AllowQos AllowSpecResourcesUsage
  AllowUsers AuthAltParameters AuthAltTypes AuthInfo AuthType BackupAddr BackupController
  BatchStartTimeout BcastAddr BcastExclude BcastParameters Boards BurstBuffer BurstBufferType
  CPUs CliFilterPlugins ClusterName CommunicationParameters CompleteWait ControlAddr
  ControlMachine CoreSpecCount CoreSpecPlugin CoresPerSocket CpuFreqDef CpuFreqGovernors
  CpuSpecList CredType DebugFlags DefCpuPerGPU DefMemPerCPU DefMemPerGPU DefMemPerNode Default
  DefaultTime DeferBatch DenyAccounts DenyGroups DenyQos DenyUsers DependencyParameters
  DisableRootJobs DownNodes EioTimeout EnforcePartLimits Epilog EpilogMsgTime EpilogSlurmctld
  ExclusiveUser ExtSensorsFreq ExtSensorsType FairShareDampeningFactor Feature Features
  FederationParameters FirstJobId FrontendAddr FrontendName GetEnvTimeout GpuFreqDef GraceTime
  Gres GresTypes GroupUpdateForce GroupUpdateTime HealthCheckInterval HealthCheckNodeState
  HealthCheckProgram Hidden InactiveLimit InteractiveStepOptions JobAcctGatherFrequency
  JobAcctGatherParams JobAcctGatherType JobCompHost JobCompLoc JobCompParams JobCompPass
  JobCompPort JobCompType JobCompUser JobContainerType JobFileAppend JobRequeue
  JobSubmitPlugins KeepPartInfo KeepPartState KillOnBadExit KillWait LLN LaunchParameters
  LaunchType Licenses LogTimeFormat MCSParameters MCSPlugin MailDomain MailProg MaxArraySize
  MaxCPUsPerNode MaxDBDMsgs MaxJobCount MaxJobId MaxMemPerCPU MaxMemPerNode MaxNodeCount
  MaxNodes MaxStepCount MaxTasksPerNode MaxTime MemSpecLimit MessageTimeout MinJobAge MinNodes
  MpiDefault MpiParams NodeAddr NodeFeatures NodeFeaturesPlugins NodeHostname NodeName NodeSet
  Nodes OverMemoryKill OverPartQOS OverSubscribe OverTimeLimit PartitionName PlugStackConfig
  PluginDir Port PowerParameters PowerPlugin PowerSave PrEpParameters PrEpPlugins
  PreemptExemptTime PreemptMode PreemptType PriorityCalcPeriod PriorityDecayHalfLife
  PriorityFavorSmall PriorityFlags PriorityJobFactor PriorityMaxAge PriorityParameters
  PrioritySiteFactorParameters PrioritySiteFactorPlugin PriorityTier PriorityType
  PriorityUsageResetPeriod PriorityWeightAge PriorityWeightAssoc PriorityWeightFairshare
  PriorityWeightJobSize PriorityWeightPartition PriorityWeightQOS PriorityWeightTRES
  PrivateData ProctrackType Prolog PrologEpilogTimeout PrologFlags PrologSlurmctld
  PropagatePrioProcess PropagateResourceLimits PropagateResourceLimitsExcept RealMemory Reason
  RebootProgram ReconfigFlags ReqResv RequeueExit RequeueExitHold Reservation ResumeFailProgram
  ResumeProgram ResumeRate ResumeTimeout ResvEpilog ResvOverRun ResvProlog ReturnToService
  RootOnly Route RoutePlugin SchedUtil SchedulerParameters SchedulerTimeSlice SchedulerType
  ScronParameters SelectType SelectTypeParameters SlurmSchedLogFile SlurmSchedLogLevel
  SlurmUser SlurmctldAddr SlurmctldDebug SlurmctldHost SlurmctldLogFile SlurmctldParameters
  SlurmctldPidFile SlurmctldPlugstack SlurmctldPort SlurmctldPrimaryOffProg
  SlurmctldPrimaryOnProg SlurmctldSyslogDebug SlurmctldTimeout SlurmdDebug SlurmdLogFile
  SlurmdOffSpec SlurmdParameters SlurmdPidFile SlurmdPort SlurmdSpoolDir SlurmdSyslogDebug
  SlurmdTimeout SlurmdUser Sockets SocketsPerBoard SrunEpilog SrunPortRange SrunProlog State
  StateSaveLocation SuspendExcNodes SuspendExcParts SuspendProgram SuspendRate SuspendTime
  SuspendTimeout SwitchParameters SwitchType TCPTimeout TRESBillingWeights TaskEpilog
  TaskPlugin TaskPluginParam TaskProlog ThreadsPerCore TmpDisk TmpFS TopologyParam
  TopologyPlugin TrackWCKey TreeWidth UnkillableStepProgram UnkillableStepTimeout UsePAM UsePss
  VSizeFactor WaitTime Weight`
    .toLowerCase()
    .split(/\s+/),
);
