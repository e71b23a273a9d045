export { type Clock, realClock } from './clock';
