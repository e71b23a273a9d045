/* global require, process */
// One of the two ways to write the same business, as `BENCH_STYLE` says. Both register functions of the same names, and
// each runs in a host of its own, so that what a process takes is the cost of one of them.
if (process.env.BENCH_STYLE === 'toolkit') {
  const { registerSagas } = require(process.env.BENCH_TOOLKIT ?? 'durable-saga');
  const { does } = require('./business');
  const { activities, sagas } = require('./toolkit');
  registerSagas({ ports: { business: does }, sagas, activities, observer: require('./telemetry') });
} else require('./by-hand');
