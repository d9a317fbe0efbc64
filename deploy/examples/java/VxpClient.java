import java.io.ByteArrayOutputStream;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.text.SimpleDateFormat;
import java.util.Base64;
import java.util.Collections;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TimeZone;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManagerFactory;

/**
 * The protocol of the national axis (VXP) in one file of Java 8, without any library.
 *
 * <p>Every parameter is a header XroadVnpt-NAME; XroadVnpt-sign-header holds all of them as a JSON object, and
 * XroadVnpt-hash-header the HMAC-SHA256 of exactly that text. A document is the body of sendEdoc as it is, and its
 * SHA-256 a parameter. Every reply is JSON: {"status", "ErrorCode", "ErrorDesc", ...}.
 *
 * <pre>
 *   javac VxpClient.java
 *   java VxpClient --url https://localhost:8444/vxp --id 000.00.00.H33 --secret-file secret --ca root.pem list edoc
 * </pre>
 *
 * <p>--like-sdk does what objects of the vendor's SDK do: parameters of earlier calls stay, the time is that of the
 * object's making, the hash is printed without leading zeros, and a line end follows the document.
 */
public final class VxpClient {
    private static final String PREFIX = "XroadVnpt-";
    private static final Pattern DOC_ID = Pattern.compile("\"docId\"\\s*:\\s*\"([^\"]+)\"");
    private static final Pattern DATA = Pattern.compile("\"data\"\\s*:\\s*\"([^\"]*)\"");
    private static final int TIMEOUT_MS = 60_000;

    private final String url;
    private final String systemId;
    private final byte[] secret;
    private final SSLSocketFactory tls;
    private final boolean likeSdk;
    private final String madeAt;
    private Map<String, String> parameters = new LinkedHashMap<>();

    public VxpClient(String url, String systemId, byte[] secret, SSLSocketFactory tls, boolean likeSdk) {
        this.url = url;
        this.systemId = systemId;
        this.secret = secret;
        this.tls = tls;
        this.likeSdk = likeSdk;
        this.madeAt = timestamp();
    }

    /** Hands a document (edoc) or a status message (status) in; the reply holds DocId. */
    public String send(byte[] document, String kind) throws IOException, GeneralSecurityException {
        begin();
        parameters.put("from", systemId);
        parameters.put("servicetype", "eDoc");
        parameters.put("messagetype", kind);
        parameters.put("hash-file", hex(MessageDigest.getInstance("SHA-256").digest(document), !likeSdk));
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        body.write(document);
        if (likeSdk) {
            body.write('\r');
            body.write('\n');
        }
        return text(call("POST", "sendEdoc", "application/octet-stream", body.toByteArray()));
    }

    /** What waits: edoc or status. */
    public String list(String kind) throws IOException, GeneralSecurityException {
        begin();
        parameters.put("servicetype", "eDoc");
        parameters.put("messagetype", kind);
        return text(call("POST", "getReceivedEdocList", "application/x-www-form-urlencoded", new byte[0]));
    }

    /** One document that waits. */
    public byte[] get(String docId) throws IOException, GeneralSecurityException {
        begin();
        parameters.put("docId", docId);
        String reply = text(call("POST", "getEdoc", "application/json", "{}".getBytes(StandardCharsets.US_ASCII)));
        Matcher found = DATA.matcher(reply);
        if (!found.find()) {
            throw new IOException(reply);
        }
        return Base64.getDecoder().decode(found.group(1));
    }

    /** The same as bare bytes; for large ones. */
    public byte[] download(String docId) throws IOException, GeneralSecurityException {
        begin();
        parameters.put("docId", docId);
        return call("GET", "downloadEdoc", "application/octet-stream", null);
    }

    /** done: it is stored here for good. fail: it cannot be used, and a person at the gateway is told. */
    public String update(String docId, String status) throws IOException, GeneralSecurityException {
        begin();
        parameters.put("docId", docId);
        parameters.put("status", status);
        return text(call("POST", "updateStatus", "application/json", "{}".getBytes(StandardCharsets.US_ASCII)));
    }

    /** Any other operation that takes parameters only. */
    public String ask(String operation, Map<String, String> more) throws IOException, GeneralSecurityException {
        begin();
        parameters.putAll(more);
        return text(call("POST", operation, "application/x-www-form-urlencoded", new byte[0]));
    }

    private void begin() {
        if (!likeSdk) {
            parameters = new LinkedHashMap<>();
        }
    }

    private byte[] call(String method, String operation, String contentType, byte[] body)
            throws IOException, GeneralSecurityException {
        parameters.put("systemid", systemId);
        parameters.put("timestamp", likeSdk ? madeAt : timestamp());
        parameters.put("Content-Type", contentType);
        HttpURLConnection connection = (HttpURLConnection) new URL(url + "/" + operation).openConnection();
        if (tls != null && connection instanceof HttpsURLConnection) {
            ((HttpsURLConnection) connection).setSSLSocketFactory(tls);
        }
        connection.setConnectTimeout(TIMEOUT_MS);
        connection.setReadTimeout(TIMEOUT_MS);
        connection.setInstanceFollowRedirects(false);
        connection.setRequestMethod(method);
        for (Map.Entry<String, String> each : signed().entrySet()) {
            connection.setRequestProperty(each.getKey(), each.getValue());
        }
        connection.setRequestProperty("Content-Type", contentType);
        connection.setRequestProperty("User-Agent", "JAVASDKAgent/1.0.0 XRoad/VPCP");
        if (body != null) {
            if (likeSdk && body.length == 2) {
                connection.setRequestProperty("Expect", "100-continue");
            }
            connection.setDoOutput(true);
            // the length is announced, the body is not sent in chunks
            connection.setFixedLengthStreamingMode(body.length);
            try (OutputStream out = connection.getOutputStream()) {
                out.write(body);
            }
        }
        int status = connection.getResponseCode();
        InputStream in = status < 400 ? connection.getInputStream() : connection.getErrorStream();
        byte[] reply = in == null ? new byte[0] : readAll(in);
        if (status >= 400 && reply.length == 0) {
            throw new IOException("HTTP " + status + " " + connection.getHeaderField("Reason"));
        }
        return reply;
    }

    private Map<String, String> signed() throws GeneralSecurityException {
        Map<String, String> headers = new LinkedHashMap<>();
        StringBuilder names = new StringBuilder();
        StringBuilder text = new StringBuilder("{");
        for (Map.Entry<String, String> each : parameters.entrySet()) {
            String comma = names.length() == 0 ? "" : ",";
            names.append(names.length() == 0 ? "" : ";").append(each.getKey());
            text.append(comma).append(quoted(PREFIX + each.getKey())).append(':').append(quoted(each.getValue()));
            headers.put(PREFIX + each.getKey(), each.getValue());
        }
        text.append('}');
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(secret, "HmacSHA256"));
        byte[] hash = mac.doFinal(text.toString().getBytes(StandardCharsets.UTF_8));
        headers.put(PREFIX + "sign-header-key", names.toString());
        headers.put(PREFIX + "sign-header", text.toString());
        headers.put(PREFIX + "hash-header", hex(hash, true));
        headers.put(PREFIX + "version", "3.0.201608");
        return headers;
    }

    private static String quoted(String value) {
        return '"' + value.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
    }

    private static String hex(byte[] bytes, boolean padded) {
        StringBuilder text = new StringBuilder();
        for (byte each : bytes) {
            text.append(String.format(padded ? "%02x" : "%x", each & 0xff));
        }
        return text.toString();
    }

    private static String timestamp() {
        // what follows the plus is milliseconds with four digits
        SimpleDateFormat format = new SimpleDateFormat("ddMMyyyy'T'HHmmss'+'SSSS");
        format.setTimeZone(TimeZone.getTimeZone("Asia/Ho_Chi_Minh"));
        return format.format(new Date());
    }

    private static String text(byte[] reply) {
        return new String(reply, StandardCharsets.US_ASCII);
    }

    private static byte[] readAll(InputStream in) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        byte[] piece = new byte[65536];
        for (int read = in.read(piece); read >= 0; read = in.read(piece)) {
            all.write(piece, 0, read);
        }
        in.close();
        return all.toByteArray();
    }

    private static SSLSocketFactory trusting(Path pem) throws IOException, GeneralSecurityException {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        try (InputStream in = new FileInputStream(pem.toFile())) {
            int number = 0;
            for (Certificate each : CertificateFactory.getInstance("X.509").generateCertificates(in)) {
                store.setCertificateEntry("ca" + number++, each);
            }
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);
        SSLContext context = SSLContext.getInstance("TLSv1.2");
        context.init(null, trust.getTrustManagers(), null);
        return context.getSocketFactory();
    }

    /** Everything that waits: got, written into a folder, then acknowledged, with one object for all calls. */
    private void receiveAll(String kind, Path folder) throws IOException, GeneralSecurityException {
        String reply = list(kind);
        System.out.println(reply);
        if (!reply.contains("\"status\":\"OK\"")) {
            throw new IOException("not a list: " + reply);
        }
        Matcher found = DOC_ID.matcher(reply);
        while (found.find()) {
            Files.write(folder.resolve(found.group(1) + ".edxml"), get(found.group(1)));
            // acknowledged only when it is stored: until then it stays in the list
            System.out.println(update(found.group(1), "done"));
        }
    }

    private static boolean allFine = true;

    private static void tell(String reply) {
        System.out.println(reply);
        allFine &= reply.matches("(?s).*\"status\"\\s*:\\s*\"OK\".*");
    }

    public static void main(String[] arguments) throws Exception {
        Map<String, String> options = new LinkedHashMap<>();
        int at = 0;
        boolean likeSdk = false;
        for (; at < arguments.length && arguments[at].startsWith("--"); at++) {
            if (arguments[at].equals("--like-sdk")) {
                likeSdk = true;
            } else {
                options.put(arguments[at].substring(2), arguments[++at]);
            }
        }
        byte[] secret = text(Files.readAllBytes(Paths.get(options.get("secret-file")))).trim().getBytes("UTF-8");
        SSLSocketFactory tls = options.containsKey("ca") ? trusting(Paths.get(options.get("ca"))) : null;
        VxpClient client = new VxpClient(options.get("url"), options.get("id"), secret, tls, likeSdk);
        for (; at < arguments.length; at++) {
            switch (arguments[at]) {
                case "send":
                    String kind = arguments[++at];
                    tell(client.send(Files.readAllBytes(Paths.get(arguments[++at])), kind));
                    break;
                case "list":
                    tell(client.list(arguments[++at]));
                    break;
                case "receive":
                    String what = arguments[++at];
                    client.receiveAll(what, Paths.get(arguments[++at]));
                    break;
                case "download":
                    String docId = arguments[++at];
                    Files.write(Paths.get(arguments[++at]), client.download(docId));
                    break;
                case "done":
                case "fail":
                    String status = arguments[at];
                    tell(client.update(arguments[++at], status));
                    break;
                default:
                    tell(client.ask(arguments[at], Collections.<String, String>emptyMap()));
            }
        }
        System.exit(allFine ? 0 : 1);
    }
}
