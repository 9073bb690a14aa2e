#!/usr/bin/env node
import { runCommand } from './program.ts'
import { leaveWith } from './terminal/interrupts.ts'

leaveWith(await runCommand(process.argv.slice(2)))
