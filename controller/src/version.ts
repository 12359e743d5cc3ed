// The version that JASM reports in its log, its User-Agent and its metrics.
export const VERSION = '0.1.0';
