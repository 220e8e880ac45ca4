// Counts the lines of a URL with node:readline, as its documentation shows.
import http from 'node:http';
import readline from 'node:readline';

http.get(process.argv[2], async (response) => {
    let lines = 0;
    let bytes = 0;
    for await (const line of readline.createInterface({ input: response, crlfDelay: Infinity })) {
        lines++;
        bytes += line.length;
    }
    console.log(JSON.stringify({ lines, bytes }));
    process.exit(0);
});
