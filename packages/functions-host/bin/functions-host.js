#!/usr/bin/env node
// npm links a command at install time, when nothing is built yet, and only to a file that is there: so this one is in the repository.
import('../dist/cli.js');
