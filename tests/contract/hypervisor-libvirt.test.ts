/** The contract of a hypervisor on real libvirt, with guests that have no operating system. */
import { needsRoot } from './hypervisor-lab.ts';
import { libvirtSubject } from './hypervisor-libvirt.ts';
import { hypervisorConformance } from './hypervisor-suite.ts';

hypervisorConformance('libvirt hypervisor', libvirtSubject, { skip: needsRoot });
