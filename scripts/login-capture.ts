#!/usr/bin/env node
import { runCommand } from './program.ts'
import { leaveWith } from './terminal/interrupts.ts'

// `login-capture …` is `sessionbridge capture …`.
leaveWith(await runCommand(['capture', ...process.argv.slice(2)]))
