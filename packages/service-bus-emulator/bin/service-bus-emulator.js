#!/usr/bin/env node
/* global require */
// npm links a command at install time, when nothing is built yet, and only to a file that is there: so this one is in the repository.
require('../dist/cli.js');
