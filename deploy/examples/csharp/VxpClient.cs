// The axis's protocol (VXP) in one file of C#, .NET Framework 4.5 or later, also .NET 8; no package.
//
// Run by this project's tests with Mono; not with Microsoft's .NET.
//
//   csc VxpClient.cs
//   VxpClient.exe --url https://localhost:8444/vxp --id 000.00.90.H33 --secret-file secret list edoc
//   ... send FILE [edoc|status] | get DOCID FILE | done DOCID | sent
//
// The gateway's CA must be in the user's store of trusted roots: certutil -user -addstore Root root.pem; with
// Mono: cert-sync --user root.pem
//
// Every parameter is a header XroadVnpt-NAME; XroadVnpt-sign-header holds all of them as a JSON object, and
// XroadVnpt-hash-header the HMAC-SHA256 of exactly that text. Every reply is JSON: status, ErrorCode, ErrorDesc, ...
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

public sealed class VxpClient
{
    private const string Prefix = "XroadVnpt-";

    private readonly string url;
    private readonly string systemId;
    private readonly byte[] secret;

    public VxpClient(string url, string systemId, byte[] secret)
    {
        this.url = url.TrimEnd('/');
        this.systemId = systemId;
        this.secret = secret;
        // .NET Framework 4.5 offers TLS 1.0 unless told otherwise
        ServicePointManager.SecurityProtocol |= SecurityProtocolType.Tls12;
        // waiting for "100 Continue" costs a round trip
        ServicePointManager.Expect100Continue = false;
    }

    /// <summary>Hands a document (edoc) or a status message (status) in; the reply holds DocId.</summary>
    public string Send(string kind, byte[] document)
    {
        string hash;
        using (var sha = SHA256.Create()) { hash = Hex(sha.ComputeHash(document)); }
        return Text(Call("POST", "sendEdoc", "application/octet-stream", document, new[]
        {
            Pair("from", systemId), Pair("servicetype", "eDoc"), Pair("messagetype", kind), Pair("hash-file", hash),
        }));
    }

    /// <summary>What waits: edoc or status.</summary>
    public string List(string kind)
    {
        return Text(Call("POST", "getReceivedEdocList", "application/x-www-form-urlencoded", new byte[0], new[]
        {
            Pair("servicetype", "eDoc"), Pair("messagetype", kind),
        }));
    }

    /// <summary>One document that waits, as bare bytes.</summary>
    public byte[] Get(string docId)
    {
        return Call("GET", "downloadEdoc", "application/octet-stream", null, new[] { Pair("docId", docId) });
    }

    /// <summary>It is stored here for good.</summary>
    public string Done(string docId)
    {
        var body = Encoding.ASCII.GetBytes("{}");
        return Text(Call("POST", "updateStatus", "application/json", body, new[] { Pair("docId", docId), Pair("status", "done") }));
    }

    /// <summary>What was sent, and where it stands.</summary>
    public string Sent()
    {
        return Text(Call("POST", "getSentEdocList", "application/x-www-form-urlencoded", new byte[0], new[]
        {
            Pair("servicetype", "eDoc"), Pair("messagetype", "edoc"),
        }));
    }

    private byte[] Call(string method, string operation, string type, byte[] body, IEnumerable<KeyValuePair<string, string>> more)
    {
        // made anew for every call: neither the time nor a parameter of an earlier one stays
        var now = DateTime.UtcNow.AddHours(7);
        var parameters = more.Concat(new[]
        {
            Pair("systemid", systemId),
            // what follows the plus is milliseconds with four digits
            Pair("timestamp", now.ToString("ddMMyyyy'T'HHmmss") + "+" + now.Millisecond.ToString("D4")),
            Pair("Content-Type", type),
        }).ToList();
        var text = "{" + string.Join(",", parameters.Select(each => Quoted(Prefix + each.Key) + ":" + Quoted(each.Value))) + "}";
        string mac;
        using (var hmac = new HMACSHA256(secret)) { mac = Hex(hmac.ComputeHash(Encoding.UTF8.GetBytes(text))); }
        var request = (HttpWebRequest)WebRequest.Create(url + "/" + operation);
        request.Method = method;
        request.Timeout = request.ReadWriteTimeout = 300000;
        request.AllowAutoRedirect = false;
        request.ContentType = type;
        foreach (var each in parameters) { request.Headers[Prefix + each.Key] = each.Value; }
        request.Headers[Prefix + "sign-header-key"] = string.Join(";", parameters.Select(each => each.Key));
        request.Headers[Prefix + "sign-header"] = text;
        request.Headers[Prefix + "hash-header"] = mac;
        if (body != null)
        {
            request.ContentLength = body.Length;
            using (var stream = request.GetRequestStream()) { stream.Write(body, 0, body.Length); }
        }
        using (var response = Answer(request))
        using (var stream = response.GetResponseStream())
        using (var memory = new MemoryStream())
        {
            stream.CopyTo(memory);
            return memory.ToArray();
        }
    }

    private static WebResponse Answer(WebRequest request)
    {
        try
        {
            return request.GetResponse();
        }
        catch (WebException error)
        {
            // 429 and 503 carry the same JSON
            // the reply of a GET would be taken for the document
            if (error.Response == null || request.Method == "GET") { throw; }
            return error.Response;
        }
    }

    private static KeyValuePair<string, string> Pair(string name, string value)
    {
        return new KeyValuePair<string, string>(name, value);
    }

    private static string Quoted(string value)
    {
        return "\"" + value.Replace("\\", "\\\\").Replace("\"", "\\\"") + "\"";
    }

    private static string Hex(byte[] bytes)
    {
        return string.Concat(bytes.Select(each => each.ToString("x2")));
    }

    /// <summary>Prints a reply; 1 where it is no OK.</summary>
    private static int Tell(string reply)
    {
        Console.WriteLine(reply);
        return Regex.IsMatch(reply, "\"status\"\\s*:\\s*\"OK\"") ? 0 : 1;
    }

    private static string Kind(string[] words, int place) { return words.Length > place ? words[place] : "edoc"; }

    private static string Text(byte[] bytes) { return Encoding.ASCII.GetString(bytes); }

    public static int Main(string[] arguments)
    {
        var options = new Dictionary<string, string>();
        var place = 0;
        for (; place + 1 < arguments.Length && arguments[place].StartsWith("--"); place += 2)
        {
            options[arguments[place]] = arguments[place + 1];
        }
        var words = arguments.Skip(place).ToArray();
        var secret = Encoding.UTF8.GetBytes(File.ReadAllText(options["--secret-file"]).Trim());
        var client = new VxpClient(options["--url"], options["--id"], secret);
        switch (words[0])
        {
            case "send": return Tell(client.Send(Kind(words, 2), File.ReadAllBytes(words[1])));
            case "list": return Tell(client.List(Kind(words, 1)));
            case "get": File.WriteAllBytes(words[2], client.Get(words[1])); return 0;
            case "done": return Tell(client.Done(words[1]));
            case "sent": return Tell(client.Sent());
            default: Console.Error.WriteLine("unknown command: " + words[0]); return 2;
        }
    }
}
