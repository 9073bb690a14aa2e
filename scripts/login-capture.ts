#!/usr/bin/env node
import { runCommand } from './program.ts'

// `login-capture …` is `sessionbridge capture …`.
process.exitCode = await runCommand(['capture', ...process.argv.slice(2)])
