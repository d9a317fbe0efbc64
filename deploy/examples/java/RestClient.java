import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URL;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.nio.file.StandardCopyOption;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManagerFactory;

/**
 * REST v1 in one file of Java 8, without any library.
 *
 * <pre>
 *   javac RestClient.java
 *   java RestClient --url https://localhost:8443/api/v1 --token-file token --ca root.pem send document.edxml
 *   ... inbox | fetch ID FILE | ack ID | status ID 03 WORDS | receive FOLDER | deliveries MESSAGE | connection
 * </pre>
 *
 * <p>receive is the loop of a real system: list, fetch, store, only then acknowledge. Every call may be repeated: the
 * same bytes get the same receipt, an acknowledgement twice is one; so calls are tried again when the line breaks.
 */
public final class RestClient {
    private static final int TIMEOUT_MS = 300_000;
    private static final int TRIES = 6;
    private static final List<Integer> AGAIN = Arrays.asList(408, 425, 429, 500, 502, 503, 504);
    /** Enough for the flat items of an inbox page; a real system uses its own JSON library. */
    private static final Pattern ITEM = Pattern.compile("\\{\"id\":\"([^\"]+)\",\"messageId\":\"[^\"]*\",\"kind\":\"([^\"]+)\"");

    private final String url;
    private final String token;
    private final SSLSocketFactory tls;

    public RestClient(String url, String token, SSLSocketFactory tls) {
        this.url = url;
        this.token = token;
        this.tls = tls;
    }

    /** Hands a document or status message in; the 202, JSON. It is kept there for good when this returns. */
    public String send(byte[] document) throws IOException, GeneralSecurityException, InterruptedException {
        Map<String, String> headers = new TreeMap<>();
        headers.put("Content-Type", "application/xml");
        byte[] digest = MessageDigest.getInstance("SHA-256").digest(document);
        headers.put("Content-Digest", "sha-256=:" + Base64.getEncoder().encodeToString(digest) + ":");
        return text(call("POST", "/documents", document, headers));
    }

    /** What waits, JSON; nothing is consumed. */
    public String inbox() throws IOException, InterruptedException {
        return text(call("GET", "/inbox?limit=100", null, Collections.<String, String>emptyMap()));
    }

    /** The bytes of one item, stored and synced in a file. */
    public void fetch(String item, Path file) throws IOException, InterruptedException {
        byte[] content = call("GET", "/inbox/" + item + "/content", null, Collections.<String, String>emptyMap());
        File part = new File(file + ".part");
        try (FileOutputStream out = new FileOutputStream(part)) {
            out.write(content);
            out.getFD().sync();
        }
        Files.move(part.toPath(), file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    }

    /** It is stored here for good. */
    public String acknowledge(String item) throws IOException, InterruptedException {
        return text(call("POST", "/inbox/" + item + "/ack", new byte[0], Collections.<String, String>emptyMap()));
    }

    /** A status about one item. */
    public String answer(String item, String code, String words) throws IOException, InterruptedException {
        Map<String, String> headers = new TreeMap<>();
        headers.put("Content-Type", "application/json");
        headers.put("Idempotency-Key", "\"" + item + "-" + code + "\"");
        String body = "{\"code\":" + quoted(code) + ",\"description\":" + quoted(words) + "}";
        return text(call("POST", "/inbox/" + item + "/status", body.getBytes(StandardCharsets.UTF_8), headers));
    }

    /** Any other GET. */
    public String ask(String path) throws IOException, InterruptedException {
        return text(call("GET", path, null, Collections.<String, String>emptyMap()));
    }

    /** Everything that waits now: fetch, store, only then acknowledge; documents are answered 01. */
    public int receive(Path folder) throws IOException, InterruptedException {
        Files.createDirectories(folder);
        Matcher found = ITEM.matcher(inbox());
        int count = 0;
        while (found.find()) {
            // the delivery id names the file: what comes twice after a crash is one file
            fetch(found.group(1), folder.resolve(found.group(1) + ".edxml"));
            acknowledge(found.group(1));
            if (found.group(2).equals("document")) {
                answer(found.group(1), "01", "Đã đến");
            }
            count++;
        }
        return count;
    }

    private byte[] call(String method, String path, byte[] body, Map<String, String> headers)
            throws IOException, InterruptedException {
        long pause = 1000;
        for (int number = 1; ; number++) {
            long wait = pause;
            try {
                HttpsURLConnection connection = open(method, path, body, headers);
                int status = connection.getResponseCode();
                byte[] reply = readAll(status < 400 ? connection.getInputStream() : connection.getErrorStream());
                if (status < 300) {
                    return reply;
                }
                if (!AGAIN.contains(status) || number == TRIES) {
                    // problem+json: code, message and nextStep in Vietnamese and English
                    throw new IllegalStateException("HTTP " + status + " " + text(reply));
                }
                String told = connection.getHeaderField("Retry-After");
                wait = told != null && told.matches("\\d{1,5}") ? Long.parseLong(told) * 1000 : pause;
            } catch (IOException broken) {
                if (number == TRIES) {
                    throw broken;
                }
            }
            Thread.sleep(wait);
            pause = Math.min(2 * pause, 60_000);
        }
    }

    private HttpsURLConnection open(String method, String path, byte[] body, Map<String, String> headers)
            throws IOException {
        HttpsURLConnection connection = (HttpsURLConnection) new URL(url + path).openConnection();
        if (tls != null) {
            connection.setSSLSocketFactory(tls);
        }
        connection.setConnectTimeout(10_000);
        connection.setReadTimeout(TIMEOUT_MS);
        connection.setInstanceFollowRedirects(false);
        connection.setRequestMethod(method);
        connection.setRequestProperty("Authorization", "Bearer " + token);
        for (Map.Entry<String, String> each : headers.entrySet()) {
            connection.setRequestProperty(each.getKey(), each.getValue());
        }
        if (body != null) {
            connection.setDoOutput(true);
            // the length is announced; without this the whole body is held twice
            connection.setFixedLengthStreamingMode(body.length);
            try (OutputStream out = connection.getOutputStream()) {
                out.write(body);
            }
        }
        return connection;
    }

    /** TLS that trusts the CA in a PEM file; null: what the JDK trusts. */
    public static SSLSocketFactory trusting(String file) throws IOException, GeneralSecurityException {
        if (file == null) {
            return null;
        }
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        try (InputStream in = Files.newInputStream(Paths.get(file))) {
            for (Certificate each : CertificateFactory.getInstance("X.509").generateCertificates(in)) {
                store.setCertificateEntry("ca" + store.size(), each);
            }
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);
        SSLContext context = SSLContext.getInstance("TLSv1.2");
        context.init(null, trust.getTrustManagers(), null);
        return context.getSocketFactory();
    }

    private static String quoted(String text) {
        StringBuilder out = new StringBuilder("\"");
        for (char each : text.toCharArray()) {
            if (each == '"' || each == '\\') {
                out.append('\\').append(each);
            } else if (each < ' ') {
                out.append(String.format("\\u%04x", (int) each));
            } else {
                out.append(each);
            }
        }
        return out.append('"').toString();
    }

    private static byte[] readAll(InputStream in) throws IOException {
        if (in == null) {
            return new byte[0];
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        byte[] piece = new byte[65536];
        for (int count; (count = in.read(piece)) > 0; ) {
            out.write(piece, 0, count);
        }
        in.close();
        return out.toByteArray();
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8);
    }

    private String perform(List<String> words)
            throws IOException, GeneralSecurityException, InterruptedException {
        String one = words.size() > 1 ? words.get(1) : "";
        switch (words.get(0)) {
            case "send":
                return send(Files.readAllBytes(Paths.get(one)));
            case "inbox":
                return inbox();
            case "fetch":
                fetch(one, Paths.get(words.get(2)));
                return "{}";
            case "ack":
                return acknowledge(one);
            case "status":
                return answer(one, words.get(2), words.size() > 3 ? words.get(3) : "");
            case "receive":
                return "{\"received\":" + receive(Paths.get(one)) + "}";
            case "deliveries":
                return ask("/documents/" + URLEncoder.encode(one, "UTF-8") + "/deliveries");
            case "connection":
                return ask("/connection");
            default:
                throw new IllegalArgumentException("unknown command: " + words.get(0));
        }
    }

    public static void main(String[] arguments) throws Exception {
        Map<String, String> options = new TreeMap<>();
        int place = 0;
        while (place + 1 < arguments.length && arguments[place].startsWith("--")) {
            options.put(arguments[place], arguments[place + 1]);
            place += 2;
        }
        String token = text(Files.readAllBytes(Paths.get(options.get("--token-file")))).trim();
        RestClient client = new RestClient(options.get("--url"), token, trusting(options.get("--ca")));
        try {
            String reply = client.perform(Arrays.asList(arguments).subList(place, arguments.length));
            System.out.write((reply + "\n").getBytes(StandardCharsets.UTF_8));
            System.out.flush();
        } catch (IllegalStateException refused) {
            System.err.println(refused.getMessage());
            System.exit(1);
        }
    }
}
