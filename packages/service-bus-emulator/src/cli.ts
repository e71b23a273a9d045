console.error('service-bus-emulator: the command is not there yet.');
process.exitCode = 1;
