// REST v1 in one file of C#, .NET Framework 4.5 or later, also .NET 8; no package.
//
// Run by this project's tests with Mono; not with Microsoft's .NET.
//
//   csc RestClient.cs                      (or: dotnet new console, put this file in place of Program.cs, dotnet run --)
//   RestClient.exe --url https://localhost:8443/api/v1 --token-file token --ca root.pem send document.edxml
//   ... inbox | fetch ID FILE | ack ID | status ID 03 WORDS | deliveries MESSAGE | connection
//
// Every call may be repeated: the same bytes get the same receipt, an acknowledgement twice is one; so calls are tried
// again when the line breaks or the gateway asks to wait.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Threading;

public sealed class RefusedException : Exception
{
    // problem+json: code, message and nextStep in Vietnamese and English
    public RefusedException(int status, string problem) : base("HTTP " + status + " " + problem) { }
}

public sealed class RestClient
{
    private const int Tries = 6;
    private static readonly int[] Again = { 408, 425, 429, 500, 502, 503, 504 };

    private readonly string url;
    private readonly string token;
    private readonly X509Certificate2 authority;

    public RestClient(string url, string token, X509Certificate2 authority)
    {
        this.url = url.TrimEnd('/');
        this.token = token;
        this.authority = authority;
        // .NET Framework 4.5 offers TLS 1.0 unless told otherwise
        ServicePointManager.SecurityProtocol |= SecurityProtocolType.Tls12;
        // waiting for "100 Continue" costs a round trip
        ServicePointManager.Expect100Continue = false;
    }

    /// <summary>Hands a document or status message in; the 202, JSON. Kept there for good when this returns.</summary>
    public string Send(byte[] document)
    {
        string digest;
        using (var sha = SHA256.Create()) { digest = Convert.ToBase64String(sha.ComputeHash(document)); }
        var headers = new Dictionary<string, string> { { "Content-Digest", "sha-256=:" + digest + ":" } };
        return Text(Call("POST", "/documents", document, "application/xml", headers));
    }

    /// <summary>What waits, JSON; nothing is consumed.</summary>
    public string Inbox() { return Ask("/inbox?limit=100"); }

    /// <summary>The bytes of one item, stored in a file.</summary>
    public void Fetch(string item, string file)
    {
        var content = Call("GET", "/inbox/" + item + "/content", null, null, null);
        using (var stream = new FileStream(file + ".part", FileMode.Create))
        {
            stream.Write(content, 0, content.Length);
            stream.Flush(true);
        }
        File.Delete(file);
        File.Move(file + ".part", file);
    }

    /// <summary>It is stored here for good.</summary>
    public string Acknowledge(string item)
    {
        return Text(Call("POST", "/inbox/" + item + "/ack", new byte[0], null, null));
    }

    /// <summary>A status about one item.</summary>
    public string Answer(string item, string code, string words)
    {
        var headers = new Dictionary<string, string> { { "Idempotency-Key", "\"" + item + "-" + code + "\"" } };
        var body = "{\"code\":" + Quoted(code) + ",\"description\":" + Quoted(words) + "}";
        return Text(Call("POST", "/inbox/" + item + "/status", Encoding.UTF8.GetBytes(body), "application/json", headers));
    }

    /// <summary>Any other GET.</summary>
    public string Ask(string path) { return Text(Call("GET", path, null, null, null)); }

    private byte[] Call(string method, string path, byte[] body, string type, IDictionary<string, string> headers)
    {
        var pause = TimeSpan.FromSeconds(1);
        for (var number = 1; ; number++)
        {
            var wait = pause;
            try
            {
                using (var response = (HttpWebResponse)Request(method, path, body, type, headers).GetResponse())
                {
                    return ReadAll(response);
                }
            }
            catch (WebException error)
            {
                var response = error.Response as HttpWebResponse;
                if (response != null)
                {
                    var status = (int)response.StatusCode;
                    int seconds;
                    if (int.TryParse(response.Headers["Retry-After"], out seconds)) { wait = TimeSpan.FromSeconds(seconds); }
                    var problem = Text(ReadAll(response));
                    response.Dispose();
                    if (!Again.Contains(status) || number == Tries) { throw new RefusedException(status, problem); }
                }
                else if (number == Tries) { throw; }
            }
            Thread.Sleep(wait);
            pause = TimeSpan.FromSeconds(Math.Min(2 * pause.TotalSeconds, 60));
        }
    }

    private HttpWebRequest Request(string method, string path, byte[] body, string type, IDictionary<string, string> headers)
    {
        var request = (HttpWebRequest)WebRequest.Create(url + path);
        request.Method = method;
        request.Timeout = request.ReadWriteTimeout = 300000;
        request.AllowAutoRedirect = false;
        request.Headers["Authorization"] = "Bearer " + token;
        if (authority != null) { request.ServerCertificateValidationCallback = Trusts; }
        foreach (var each in headers ?? new Dictionary<string, string>()) { request.Headers[each.Key] = each.Value; }
        if (body == null) { return request; }
        if (type != null) { request.ContentType = type; }
        // the length is announced, and the body is not held a second time
        request.ContentLength = body.Length;
        request.AllowWriteStreamBuffering = false;
        using (var stream = request.GetRequestStream()) { stream.Write(body, 0, body.Length); }
        return request;
    }

    /// <summary>The CA of the file and no other; a wrong name or an expired certificate stays wrong.</summary>
    private bool Trusts(object sender, X509Certificate certificate, X509Chain sent, SslPolicyErrors errors)
    {
        if ((errors & ~SslPolicyErrors.RemoteCertificateChainErrors) != SslPolicyErrors.None) { return false; }
        using (var chain = new X509Chain())
        {
            chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
            chain.ChainPolicy.VerificationFlags = X509VerificationFlags.AllowUnknownCertificateAuthority;
            chain.ChainPolicy.ExtraStore.Add(authority);
            foreach (var each in sent.ChainElements.Cast<X509ChainElement>()) { chain.ChainPolicy.ExtraStore.Add(each.Certificate); }
            if (!chain.Build(new X509Certificate2(certificate))) { return false; }
            var root = chain.ChainElements[chain.ChainElements.Count - 1].Certificate;
            return root.RawData.SequenceEqual(authority.RawData);
        }
    }

    private static byte[] ReadAll(WebResponse response)
    {
        using (var stream = response.GetResponseStream())
        using (var memory = new MemoryStream())
        {
            if (stream != null) { stream.CopyTo(memory); }
            return memory.ToArray();
        }
    }

    private static string Text(byte[] bytes) { return Encoding.UTF8.GetString(bytes); }

    private static string Quoted(string text)
    {
        var made = new StringBuilder("\"");
        foreach (var each in text)
        {
            if (each == '"' || each == '\\') { made.Append('\\').Append(each); }
            else if (each < ' ') { made.Append("\\u").Append(((int)each).ToString("x4")); }
            else { made.Append(each); }
        }
        return made.Append('"').ToString();
    }

    public static int Main(string[] arguments)
    {
        var options = new Dictionary<string, string>();
        var place = 0;
        for (; place + 1 < arguments.Length && arguments[place].StartsWith("--"); place += 2)
        {
            options[arguments[place]] = arguments[place + 1];
        }
        var words = arguments.Skip(place).ToArray();
        var authority = options.ContainsKey("--ca") ? new X509Certificate2(options["--ca"]) : null;
        var client = new RestClient(options["--url"], File.ReadAllText(options["--token-file"]).Trim(), authority);
        try
        {
            // no byte order mark, which a JSON reader behind a pipe would refuse
            Console.OutputEncoding = new UTF8Encoding(false);
            switch (words[0])
            {
                case "send": Console.WriteLine(client.Send(File.ReadAllBytes(words[1]))); break;
                case "inbox": Console.WriteLine(client.Inbox()); break;
                case "fetch": client.Fetch(words[1], words[2]); break;
                case "ack": Console.WriteLine(client.Acknowledge(words[1])); break;
                case "status": Console.WriteLine(client.Answer(words[1], words[2], words.Length > 3 ? words[3] : "")); break;
                case "deliveries": Console.WriteLine(client.Ask("/documents/" + words[1] + "/deliveries")); break;
                case "connection": Console.WriteLine(client.Ask("/connection")); break;
                default: Console.Error.WriteLine("unknown command: " + words[0]); return 2;
            }
            return 0;
        }
        catch (RefusedException refused)
        {
            Console.Error.WriteLine(refused.Message);
            return 1;
        }
    }
}
